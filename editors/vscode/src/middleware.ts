import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";
import type { TaskCommands } from "./tasks/commands";
import { openBeside } from "./tasks/edit";

/** What the middleware needs. */
export interface Needs {
  tasks: TaskCommands;
  settings(): unknown;
  /** Sends the server's settings anew. */
  pushSettings(): Promise<void>;
  /** An edit is shown, and waits for the programmer. */
  previewed(): void;
  /** The programmer closed the preview of an edit without making it. */
  discarded(): void;
}

const NEVER = new vscode.CancellationTokenSource().token;

/** Returns what stands between VS Code and the server. */
export function middleware(needs: Needs): Middleware {
  return {
    // Actions of the menu go through the request: its answer streams and can be cancelled.
    executeCommand: (command, args, next) => {
      const params = (args[0] ?? {}) as Record<string, unknown>;
      return needs.tasks.perform(command, params) ?? next(command, args);
    },
    workspace: {
      configuration: (params) =>
        params.items.map((item) => (item.section === "aiex" ? needs.settings() : null)),
      // Not as the client would: that sends all of the section, a key that stands in it too.
      didChangeConfiguration: async () => needs.pushSettings(),
      handleApplyEdit: async (params, next) => {
        const asks = Object.values(params.edit.changeAnnotations ?? {});
        const asked = asks.some((one) => one.needsConfirmation);
        const before = versions();
        if (asked) needs.previewed();
        const result = await next(params, NEVER);
        const refused = result && "applied" in result && !result.applied;
        if (!refused || !asked) return result;
        if (before !== versions()) return { ...result, failureReason: "the text has changed" };
        needs.discarded();
        return { ...result, failureReason: "nothing was ticked in its preview" };
      },
    },
    window: {
      showDocument: async (params, token, next) => {
        if (params.external || params.takeFocus) return next(params, token);
        await openBeside(vscode.Uri.parse(params.uri));
        return { success: true };
      },
    },
  };
}

function versions(): string {
  return vscode.workspace.textDocuments.map((one) => `${one.uri}#${one.version}`).join("\n");
}

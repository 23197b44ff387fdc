import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";
import { apply, type Told } from "./edits/apply";
import type { Previews } from "./edits/preview";
import type { TaskCommands } from "./tasks/commands";
import { SCHEMES } from "./server/client";
import { openBeside } from "./tasks/edit";

/** What the middleware needs. */
export interface Needs extends Told {
  tasks: TaskCommands;
  previews: Previews;
  settings(): unknown;
  /** Sends the server's settings anew. */
  pushSettings(): Promise<void>;
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
    // It is registered for every document, to stand below those that name a language.
    provideHover: (document, position, token, next) =>
      SCHEMES.includes(document.uri.scheme) ? next(document, position, token) : undefined,
    workspace: {
      configuration: (params) =>
        params.items.map((item) => (item.section === "aiex" ? needs.settings() : null)),
      // Not as the client would: that sends all of the section, a key that stands in it too.
      didChangeConfiguration: async () => needs.pushSettings(),
      handleApplyEdit: (params, next) =>
        apply(params, (one) => next(one, NEVER), needs.previews, needs),
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

import * as vscode from "vscode";
import type {
  ApplyWorkspaceEditParams,
  ApplyWorkspaceEditResult,
  HandlerResult,
} from "vscode-languageclient/node";
import { asks, confirmed, filesOf, type FileChange } from "./plan";
import type { Previews } from "./preview";

const KEYS = process.platform === "darwin" ? "Ctrl+Alt+I Y" : "Alt+I Y";

/** Why an edit was not made, as the server repeats it. */
export const DISCARDED = "you discarded it";

type Result = HandlerResult<ApplyWorkspaceEditResult, void>;

/** What is told of an edit that is shown before it is made. */
export interface Told {
  /** It waits for the programmer, who is told how to answer. */
  previewed(title: string, how: string): void;
  /** The programmer did not want it. */
  discarded(): void;
}

/**
 * Makes an edit of the server's: at once, or after the programmer has seen it. One file is shown
 * as a diff, several in VS Code's Refactor Preview.
 */
export async function apply(
  params: ApplyWorkspaceEditParams,
  make: (params: ApplyWorkspaceEditParams) => Result,
  previews: Previews,
  told: Told,
): Promise<Awaited<Result>> {
  if (!asks(params.edit)) return make(params);
  const files = filesOf(params.edit);
  const [only, ...others] = files ?? [];
  const title = (params.label ?? "Edit").replaceAll("`", "");
  if (only && others.length === 0) {
    const edit = { ...params, edit: confirmed(params.edit) };
    const same = JSON.stringify([title, only.uri, only.changes.map((one) => one.newText)]);
    // It was agreed to and came too late: the server has moved it along with its text.
    if (previews.agreed.delete(same)) return make(edit);
    told.previewed(title, `✓ above or ${KEYS} applies it, Cancel discards it`);
    if (!(await previews.wanted(title, only))) {
      told.discarded();
      return { applied: false, failureReason: DISCARDED };
    }
    const result = await make(edit);
    if (result && "applied" in result && !result.applied) previews.agreed.add(same);
    return result;
  }
  told.previewed(title, "tick what you want in the Refactor Preview, then Apply");
  const before = versions();
  const result = await make(params);
  if (!result || !("applied" in result)) return result;
  if (before !== versions() || (result.applied && (await created(files ?? [])))) return result;
  told.discarded();
  return { applied: false, failureReason: "nothing was ticked in its preview" };
}

function versions(): string {
  const documents = vscode.workspace.textDocuments.filter((one) => one.uri.scheme === "file");
  return documents.map((one) => `${one.uri}#${one.version}`).join("\n");
}

async function created(files: readonly FileChange[]): Promise<boolean> {
  const looks = files
    .filter((one) => one.creates)
    .map(async ({ uri }) => {
      try {
        await vscode.workspace.fs.stat(vscode.Uri.parse(uri));
        return true;
      } catch {
        return false;
      }
    });
  return (await Promise.all(looks)).some(Boolean);
}

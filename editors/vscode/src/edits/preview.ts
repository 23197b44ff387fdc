import * as vscode from "vscode";
import { tell } from "../contexts";
import type { FileChange } from "./plan";
import { changed } from "./text";

const SCHEME = "aiex-preview";

/** One edit that waits for the programmer. */
interface Pending {
  /** The text as it would be. */
  proposed: vscode.Uri;
  answer(apply: boolean): void;
}

/** Shows an edit of one file beside the text as it is, until the programmer decides. */
export class Previews implements vscode.TextDocumentContentProvider, vscode.Disposable {
  /** Edits that were agreed to and could not be made, by what they write. */
  readonly agreed = new Set<string>();
  private readonly texts = new Map<string, string>();
  private readonly waiting: Pending[] = [];
  private readonly listening: vscode.Disposable[];
  private count = 0;

  constructor() {
    this.listening = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
        for (const tab of closed) this.find(proposedIn(tab))?.answer(false);
      }),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(String(uri)) ?? "";
  }

  /** Returns each command's id with what it does. */
  all(): Record<string, (...args: unknown[]) => unknown> {
    return {
      "aiex.applyEdit": () => this.current()?.answer(true),
      "aiex.discardEdit": () => this.current()?.answer(false),
    };
  }

  /** Returns whether the programmer wants an edit of one file. */
  async wanted(title: string, file: FileChange): Promise<boolean> {
    const uri = vscode.Uri.parse(file.uri);
    const from = vscode.window.activeTextEditor;
    const document = file.creates ? undefined : await vscode.workspace.openTextDocument(uri);
    const name = uri.path.split("/").at(-1) ?? "";
    const before = document ? uri : this.keep(name, "");
    const proposed = this.keep(name, changed(document?.getText() ?? "", file.changes));
    let answer: (apply: boolean) => void = () => undefined;
    const answered = new Promise<boolean>((resolve) => {
      answer = resolve;
    });
    const pending = { proposed, answer };
    this.waiting.push(pending);
    this.tellContext();
    try {
      const options = { preview: false, viewColumn: columnOf(uri) };
      await vscode.commands.executeCommand(
        "vscode.diff",
        before,
        proposed,
        `${title}: ${name}`,
        options,
      );
      return await answered;
    } finally {
      this.waiting.splice(this.waiting.indexOf(pending), 1);
      this.tellContext();
      await close(proposed, from);
      this.texts.delete(String(before));
      this.texts.delete(String(proposed));
    }
  }

  /** Gives up all that waits. */
  discardAll(): void {
    for (const one of [...this.waiting]) one.answer(false);
  }

  dispose(): void {
    this.discardAll();
    for (const one of this.listening) one.dispose();
  }

  private keep(name: string, text: string): vscode.Uri {
    this.count += 1;
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${this.count}/${name}` });
    this.texts.set(String(uri), text);
    return uri;
  }

  private current(): Pending | undefined {
    const active = vscode.window.tabGroups.activeTabGroup.activeTab;
    return (active && this.find(proposedIn(active))) ?? this.waiting.at(-1);
  }

  private find(proposed: vscode.Uri | undefined): Pending | undefined {
    return this.waiting.find((one) => String(one.proposed) === String(proposed));
  }

  private tellContext(): void {
    tell("previewing", this.waiting.length > 0);
  }
}

function proposedIn(tab: vscode.Tab): vscode.Uri | undefined {
  return tab.input instanceof vscode.TabInputTextDiff ? tab.input.modified : undefined;
}

/** Closes a preview; if the programmer is in it, the editor they came from has the cursor again. */
async function close(proposed: vscode.Uri, from: vscode.TextEditor | undefined): Promise<void> {
  const { tabGroups } = vscode.window;
  const isIt = (tab: vscode.Tab) => String(proposedIn(tab)) === String(proposed);
  const active = tabGroups.activeTabGroup.activeTab;
  const inIt = active !== undefined && isIt(active);
  await tabGroups.close(tabGroups.all.flatMap((group) => group.tabs).filter(isIt), !inIt);
  if (!inIt || !from) return;
  const { document, selection, viewColumn } = from;
  await vscode.window.showTextDocument(document, { selection, viewColumn });
}

/** Where the document is shown, else where the programmer is. */
function columnOf(uri: vscode.Uri): vscode.ViewColumn {
  const shown = vscode.window.visibleTextEditors.find(
    (one) => String(one.document.uri) === String(uri),
  );
  return (
    shown?.viewColumn ?? vscode.window.activeTextEditor?.viewColumn ?? vscode.ViewColumn.Active
  );
}

import type { WorkspaceEdit } from "vscode-languageclient/node";
import type { TextChange } from "./text";

/** What an edit does to one file. */
export interface FileChange {
  uri: string;
  creates: boolean;
  changes: TextChange[];
}

/** Returns what an edit of the server's does, file by file; undefined if it does other things. */
export function filesOf(edit: WorkspaceEdit): FileChange[] | undefined {
  const found = new Map<string, FileChange>();
  const file = (uri: string) => {
    const one = found.get(uri) ?? { uri, creates: false, changes: [] };
    found.set(uri, one);
    return one;
  };
  for (const change of edit.documentChanges ?? []) {
    if ("textDocument" in change) {
      file(change.textDocument.uri).changes.push(...(change.edits as TextChange[]));
    } else if (change.kind === "create") file(change.uri).creates = true;
    else return undefined;
  }
  for (const [uri, changes] of Object.entries(edit.changes ?? {}))
    file(uri).changes.push(...changes);
  return [...found.values()];
}

/** Returns whether the server wants the programmer to be asked before an edit is made. */
export function asks(edit: WorkspaceEdit): boolean {
  return Object.values(edit.changeAnnotations ?? {}).some((one) => one.needsConfirmation);
}

/** Returns the edit for when the programmer has been asked. */
export function confirmed(edit: WorkspaceEdit): WorkspaceEdit {
  const annotations = Object.entries(edit.changeAnnotations ?? {}).map(([id, one]) => [
    id,
    { ...one, needsConfirmation: false },
  ]);
  return { ...edit, changeAnnotations: Object.fromEntries(annotations) };
}

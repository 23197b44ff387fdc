import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import type { Place } from "../protocol";
import { SCHEMES } from "../server/client";

/** A place in a document: what lenses and other extensions may call a command with. */
export interface Target {
  uri: vscode.Uri;
  range: vscode.Range;
}

/** Returns the place that is meant: the one a command was called with, else the cursor's. */
export function placeOf(client: LanguageClient, target?: unknown): Place | undefined {
  if (isTarget(target)) return at(client, target.uri, target.range);
  const editor = codeEditor();
  return editor && at(client, editor.document.uri, editor.selection);
}

/**
 * Returns the editor whose code is meant: the one with the cursor, else one that is shown, where
 * the cursor is in an answer, a log or a preview.
 */
export function codeEditor(): vscode.TextEditor | undefined {
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  const editors = activeTextEditor ? [activeTextEditor, ...visibleTextEditors] : visibleTextEditors;
  return editors.find((one) => SCHEMES.includes(one.document.uri.scheme));
}

/** Returns the diagnostics of other tools at a place, for the model to know of. */
export function diagnosticsAt(uri: vscode.Uri, range: vscode.Range): vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(uri).filter((one) => one.range.intersection(range));
}

/** Returns whether a command was called with a place. */
export function isTarget(value: unknown): value is Target {
  const target = value as Partial<Target> | undefined;
  return target?.uri instanceof vscode.Uri && target.range instanceof vscode.Range;
}

function at(client: LanguageClient, uri: vscode.Uri, range: vscode.Range): Place {
  const convert = client.code2ProtocolConverter;
  const textDocument = { uri: convert.asUri(uri) };
  if (range.isEmpty) return { textDocument, position: convert.asPosition(range.start) };
  return { textDocument, range: convert.asRange(range) };
}

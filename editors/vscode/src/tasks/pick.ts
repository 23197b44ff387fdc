import * as vscode from "vscode";
import type { Template, TemplateVariable } from "../protocol";
import { diagnosticsAt } from "./place";

/** Variables that the server fills from the place a template is run at. */
const FILLED = ["code", "language", "file", "filename", "selection", "symbol"];

/** Returns the diagnostic to fix: the one at the cursor, else of the line, else one picked. */
export async function pickDiagnostic(
  uri: vscode.Uri,
  cursor: vscode.Range | undefined,
): Promise<vscode.Diagnostic | undefined> {
  const all = vscode.languages.getDiagnostics(uri);
  const here = cursor ? diagnosticsAt(uri, cursor) : [];
  const line = all.filter((one) => cursor && one.range.start.line === cursor.start.line);
  const found = here.length > 0 ? here : line.length > 0 ? line : all;
  if (found.length === 0) {
    void vscode.window.showInformationMessage(
      "aiex: there is no problem here to fix. Analyze finds some; Refactor changes code by your words.",
    );
    return undefined;
  }
  if (found.length === 1 && found !== all) return found[0];
  const items = found.map((diagnostic) => ({
    label: diagnostic.message.split("\n")[0] ?? "",
    description: `${diagnostic.source ?? ""} ${diagnostic.range.start.line + 1}`.trim(),
    diagnostic,
  }));
  return (await vscode.window.showQuickPick(items, { title: "aiex: fix which problem?" }))
    ?.diagnostic;
}

/** Returns a template's variables as the programmer gives them, undefined where they give up. */
export async function pickVariables(
  template: Template,
): Promise<Record<string, unknown> | undefined> {
  const found: Record<string, unknown> = {};
  for (const variable of template.variables) {
    if (!variable.required || FILLED.includes(variable.name)) continue;
    const value = await pickVariable(template, variable);
    if (value === undefined) return undefined;
    found[variable.name] = value;
  }
  return found;
}

async function pickVariable(template: Template, variable: TemplateVariable): Promise<unknown> {
  const title = `${template.title}: ${variable.name}`;
  const prompt = variable.description;
  if (variable.enum) {
    return vscode.window.showQuickPick(variable.enum, { title, placeHolder: prompt });
  }
  if (variable.type === "boolean") {
    const said = await vscode.window.showQuickPick(["yes", "no"], { title, placeHolder: prompt });
    return said === undefined ? undefined : said === "yes";
  }
  const number = ["number", "integer"].includes(variable.type);
  const text = await vscode.window.showInputBox({
    title,
    prompt,
    validateInput: (said) =>
      number && !Number.isFinite(Number(said || "x")) ? "A number is wanted." : undefined,
  });
  return text !== undefined && number ? Number(text) : text;
}

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { answerId } from "../answers/conversation";
import { plainTitle } from "../answers/view";
import type { Template } from "../protocol";
import type { Asking } from "./ask";
import type { Editing } from "./edit";
import { CODE, EDITS, RUN, TEXT } from "./methods";
import { codeEditor, isTarget, placeOf } from "./place";
import { pickDiagnostic, pickVariables } from "./pick";

const ANALYSES = ["general", "performance", "security", "maintainability"];
type Params = Record<string, unknown>;

/** The commands that ask a model, from the palette, keys, lenses and the code action menu. */
export class TaskCommands {
  constructor(
    private readonly client: () => LanguageClient | undefined,
    private readonly asking: Asking,
    private readonly editing: Editing,
  ) {}

  /** Returns each command's id with what it does. */
  all(): Record<string, (...args: unknown[]) => unknown> {
    return {
      "aiex.explain": (at) => this.at("aiex/explain", at),
      "aiex.analyze": (at, type) => this.analyze(at, type),
      "aiex.generateTests": (at) => this.at("aiex/generateTests", at),
      "aiex.fix": (at, diagnostic) => this.fix(at, diagnostic),
      "aiex.document": (at) => this.at("aiex/document", at),
      "aiex.refactor": (at) => this.at("aiex/refactor", at),
      "aiex.run": (id) => this.pickTemplate(id),
      "aiex.followUp": () => this.followUp(),
      "aiex.answers": () => this.answers(),
      "aiex.cancel": () => this.cancel(),
    };
  }

  /**
   * Runs a method of the server's, however it was called: texts stream into the view, edits are
   * reported. Returns undefined for methods that are none of these.
   */
  perform(method: string, params: Params): Promise<unknown> | undefined {
    if (TEXT.includes(method)) return this.asking.ask(method, params);
    if (method === "aiex/refactor" && params["instruction"] === undefined) {
      return this.refactor(params);
    }
    if (EDITS.includes(method)) return this.editing.run(method, params);
    if (method === RUN) return this.runTemplate(params);
    return undefined;
  }

  private async at(method: string, target: unknown, more: Params = {}): Promise<unknown> {
    const client = this.client();
    const place = client && placeOf(client, target);
    if (!place) {
      const text = "aiex: open a file and put the cursor into its code.";
      return void vscode.window.showInformationMessage(text);
    }
    return this.perform(method, { ...place, ...more });
  }

  private async analyze(target: unknown, type: unknown): Promise<unknown> {
    // Key bindings and other extensions may name the type alone.
    const named = [target, type].find((one) => ANALYSES.includes(one as string));
    const analysisType =
      named ?? (await vscode.window.showQuickPick(ANALYSES, { title: "aiex: analyze for what?" }));
    if (analysisType === undefined) return undefined;
    return this.at("aiex/analyze", target, { analysisType });
  }

  private async fix(target: unknown, diagnostic: unknown): Promise<unknown> {
    const client = this.client();
    const editor = codeEditor();
    const uri = isTarget(target) ? target.uri : editor?.document.uri;
    if (!client || !uri) return undefined;
    const found =
      diagnostic instanceof vscode.Diagnostic
        ? diagnostic
        : await pickDiagnostic(uri, editor?.selection);
    if (!found) return undefined;
    const convert = client.code2ProtocolConverter;
    return this.perform("aiex/fix", {
      textDocument: { uri: convert.asUri(uri) },
      range: convert.asRange(found.range),
      diagnostic: convert.asDiagnostic(found),
    });
  }

  private async refactor(params: Params): Promise<unknown> {
    const instruction = await vscode.window.showInputBox({
      title: "aiex: refactor",
      prompt: "What is to change? Nothing written: whatever makes the code clearer.",
      placeHolder: "split into two functions",
    });
    if (instruction === undefined) return undefined;
    const said = instruction.trim();
    return this.editing.run("aiex/refactor", said ? { ...params, instruction: said } : params);
  }

  private async pickTemplate(id: unknown): Promise<unknown> {
    const templates = await this.templates();
    const known = templates.find((one) => one.id === id);
    // The programmer's own first: what comes along has commands of its own.
    const built = (one: Template) => ["engine", "operation"].includes(one.category);
    const items = [...templates]
      .sort((a, b) => +built(a) - +built(b))
      .map((one) => ({
        label: one.title,
        description: one.category,
        detail: one.id,
        template: one,
      }));
    const picked =
      known ??
      (await vscode.window.showQuickPick(items, { title: "aiex: run which template?" }))?.template;
    if (!picked) return undefined;
    const variables = await pickVariables(picked);
    return variables && this.at(RUN, undefined, { template: picked.id, variables });
  }

  private async runTemplate(params: Params): Promise<unknown> {
    const template = (await this.templates()).find((one) => one.id === params["template"]);
    if (template?.responseType === CODE) return this.editing.run(RUN, params);
    return this.asking.ask(RUN, params);
  }

  private async templates(): Promise<Template[]> {
    return (await this.client()?.sendRequest<Template[]>("aiex/templates", {})) ?? [];
  }

  private async followUp(): Promise<unknown> {
    const conversation = this.asking.current();
    if (!conversation || answerId(conversation) === undefined) {
      return void vscode.window.showInformationMessage(
        "aiex: there is no answer to ask about yet.",
      );
    }
    const question = await vscode.window.showInputBox({
      title: `aiex: ${plainTitle(conversation.title)}`,
      prompt: "Ask about this answer",
    });
    if (!question?.trim()) return undefined;
    return this.asking.followUp(conversation, question.trim());
  }

  private async answers(): Promise<void> {
    const items = this.asking.conversations.all().map((conversation) => ({
      label: plainTitle(conversation.title),
      description: conversation.at.toLocaleTimeString(),
      detail:
        conversation.source &&
        vscode.workspace.asRelativePath(vscode.Uri.parse(conversation.source)),
      conversation,
    }));
    if (items.length === 0) {
      void vscode.window.showInformationMessage("aiex: there are no answers yet.");
      return;
    }
    const picked = await vscode.window.showQuickPick(items, { title: "aiex: earlier answers" });
    if (picked) this.asking.reopen(picked.conversation);
  }

  private cancel(): void {
    const any = [this.asking.cancel(), this.editing.cancel()].some(Boolean);
    if (!any) void vscode.window.setStatusBarMessage("aiex: nothing is running", 4000);
  }
}

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { metaLine } from "../answers/meta";
import { plainTitle } from "../answers/view";
import type { EditResult } from "../protocol";
import type { Asking } from "./ask";
import { told, verb } from "./methods";
import { listened } from "./progress";

/** Runs tasks that change files: the server makes the edit, VS Code shows it before it is made. */
export class Editing {
  private readonly running = new Set<vscode.CancellationTokenSource>();
  private unwanted = false;
  private tell: (message: string) => void = () => undefined;

  constructor(
    private readonly client: () => LanguageClient | undefined,
    private readonly asking: Asking,
    private readonly during: <T>(work: Promise<T>) => Promise<T>,
  ) {}

  /** Runs a task and returns its result when its edit was made or refused. */
  async run(method: string, params: Record<string, unknown>): Promise<EditResult | undefined> {
    const client = this.client();
    if (!client) return undefined;
    const cancel = new vscode.CancellationTokenSource();
    this.running.add(cancel);
    let title = verb(method);
    const place = { location: vscode.ProgressLocation.Notification, cancellable: true };
    try {
      const result = await vscode.window.withProgress(
        { ...place, title: "aiex" },
        (progress, token) => {
          token.onCancellationRequested(() => cancel.cancel());
          this.tell = (message) => progress.report({ message: `${title}: ${message}` });
          const heard = {
            title: (said: string) => {
              title = plainTitle(said);
              progress.report({ message: title });
            },
            message: this.tell,
          };
          return this.during(
            listened(client, heard, (workDoneToken) =>
              client.sendRequest<EditResult>(
                "workspace/executeCommand",
                { command: method, arguments: [{ ...params, wait: true, workDoneToken }] },
                cancel.token,
              ),
            ),
          );
        },
      );
      await this.report(title, params, result);
      return result;
    } catch (error) {
      if (!cancel.token.isCancellationRequested) void this.failed(error, method, params, title);
      return undefined;
    } finally {
      this.running.delete(cancel);
      cancel.dispose();
    }
  }

  /** Stops all that is running; returns whether there was any. */
  cancel(): boolean {
    for (const one of this.running) one.cancel();
    return this.running.size > 0;
  }

  /** Takes note that the programmer is asked: they may not have seen where. */
  previewed(): void {
    this.tell("tick what you want in the Refactor Preview, then Apply");
  }

  /** Takes note that the programmer did not want the edit that was previewed. */
  discarded(): void {
    this.unwanted = true;
  }

  /** Returns whether the text that comes now tells of an edit nobody wanted. */
  tookBack(): boolean {
    const unwanted = this.unwanted;
    this.unwanted = false;
    return unwanted;
  }

  private async report(
    title: string,
    params: Record<string, unknown>,
    result: EditResult,
  ): Promise<void> {
    const about = (params["textDocument"] as { uri: string }).uri;
    const markdown = [
      result.explanation,
      ...result.codeBlocks.map((one) => `\`\`\`\`${one.language}\n${one.code}\n\`\`\`\``),
    ];
    const turn = { markdown: markdown.join("\n\n"), state: "done", note: "", info: result.answer };
    this.asking.keep(title, turn as Parameters<Asking["keep"]>[1], about);
    if (!result.applied) return;
    void vscode.window.setStatusBarMessage(`$(check) ${title} — ${metaLine(result.answer)}`, 10_000);
    if (result.targetUri !== about) await openBeside(vscode.Uri.parse(result.targetUri));
  }

  private async failed(
    error: unknown,
    method: string,
    params: Record<string, unknown>,
    title: string,
  ): Promise<void> {
    const failure = told(error);
    if (!failure) return;
    const actions = failure.text ? ["Run Again", "Show Answer"] : ["Run Again"];
    const chosen = await vscode.window.showErrorMessage(`aiex: ${failure.message}`, ...actions);
    if (chosen === "Run Again") await this.run(method, params);
    if (chosen === "Show Answer") {
      const id = `${method}:${Date.now()}`;
      this.asking.shown({ id, title, markdown: failure.text ?? "", final: true });
    }
  }
}

/** Shows a document beside the code, without taking the cursor there. */
export async function openBeside(uri: vscode.Uri): Promise<void> {
  const open = vscode.window.visibleTextEditors.find((one) => String(one.document.uri) === String(uri));
  await vscode.window.showTextDocument(uri, {
    viewColumn: open?.viewColumn ?? vscode.ViewColumn.Beside,
    preserveFocus: true,
    preview: false,
  });
}

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { metaLine } from "../answers/meta";
import { plainTitle } from "../answers/view";
import { tell, type Working } from "../contexts";
import type { Previews } from "../edits/preview";
import type { EditResult } from "../protocol";
import type { Asking } from "./ask";
import { told, verb } from "./methods";
import { listened } from "./progress";

/** One task at work. */
interface Work {
  title: string;
  cancel: vscode.CancellationTokenSource;
  /** Pending while something works: waiting for a person is no work. */
  busy: Promise<void>;
  rests(): void;
  /** Pending until the edit was made or refused. */
  open: Promise<void>;
  ends(): void;
  tell(message: string): void;
}

/** Runs tasks that change files: the server makes the edit, VS Code shows it before it is made. */
export class Editing {
  private readonly running = new Set<Work>();
  private unwanted = false;

  constructor(
    private readonly client: () => LanguageClient | undefined,
    private readonly asking: Asking,
    private readonly previews: Previews,
    private readonly during: <T>(work: Promise<T>) => Promise<T>,
    private readonly working: Working,
  ) {}

  /** Runs a task and returns its result when its edit was made or refused. */
  run(method: string, params: Record<string, unknown>): Promise<EditResult | undefined> {
    return this.working.during(() => this.work(method, params));
  }

  /** Stops all that is running; returns whether there was any. */
  cancel(): boolean {
    for (const one of this.running) one.cancel.cancel();
    return this.running.size > 0;
  }

  /** Takes note that the programmer is asked about an edit. */
  previewed(title: string, how: string): void {
    const all = [...this.running];
    const work = all.find((one) => one.title === title) ?? all.at(-1);
    work?.rests();
    work?.tell(`${work.title}: ${how}`);
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

  private async work(
    method: string,
    params: Record<string, unknown>,
  ): Promise<EditResult | undefined> {
    const client = this.client();
    if (!client) return undefined;
    const work = begun(verb(method));
    const { token } = work.cancel;
    this.running.add(work);
    void this.during(work.busy);
    try {
      const result = await this.send(client, method, params, work);
      await this.report(work.title, params, result);
      return result;
    } catch (error) {
      if (token.isCancellationRequested) this.previews.discardAll();
      else void this.failed(error, method, params);
      return undefined;
    } finally {
      work.rests();
      work.ends();
      this.previews.agreed.clear();
      this.running.delete(work);
      work.cancel.dispose();
    }
  }

  private send(
    client: LanguageClient,
    method: string,
    params: Record<string, unknown>,
    work: Work,
  ): Promise<EditResult> {
    const location = vscode.ProgressLocation.Notification;
    void vscode.window.withProgress(
      { location, cancellable: true, title: "aiex" },
      (progress, token) => {
        token.onCancellationRequested(() => work.cancel.cancel());
        work.tell = (message) => progress.report({ message });
        work.tell(work.title);
        return work.open;
      },
    );
    const heard = {
      title: (title: string) => {
        work.title = plainTitle(title);
        work.tell(work.title);
      },
      message: (message: string) => work.tell(`${work.title}: ${message}`),
    };
    return listened(client, heard, (workDoneToken) =>
      client.sendRequest<EditResult>(
        "workspace/executeCommand",
        { command: method, arguments: [{ ...params, wait: true, workDoneToken }] },
        work.cancel.token,
      ),
    );
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
    tell("edited", true);
    void vscode.window.setStatusBarMessage(
      `$(check) ${title} — ${metaLine(result.answer)}`,
      10_000,
    );
    if (result.targetUri !== about) await openBeside(vscode.Uri.parse(result.targetUri));
  }

  private async failed(
    error: unknown,
    method: string,
    params: Record<string, unknown>,
  ): Promise<void> {
    const failure = told(error);
    if (!failure) return;
    // What a model wrote in vain the server shows in the answers view.
    const chosen = await vscode.window.showErrorMessage(`aiex: ${failure.message}`, "Run Again");
    if (chosen === "Run Again") await this.run(method, params);
  }
}

function begun(title: string): Work {
  const [busy, rests] = promise();
  const [open, ends] = promise();
  const cancel = new vscode.CancellationTokenSource();
  return { title, cancel, busy, rests, open, ends, tell: () => undefined };
}

function promise(): [Promise<void>, () => void] {
  let done: () => void = () => undefined;
  const pending = new Promise<void>((resolve) => {
    done = resolve;
  });
  return [pending, done];
}

/** Shows a document beside the code, without taking the cursor there. */
export async function openBeside(uri: vscode.Uri): Promise<void> {
  const open = vscode.window.visibleTextEditors.find(
    (one) => String(one.document.uri) === String(uri),
  );
  await vscode.window.showTextDocument(uri, {
    viewColumn: open?.viewColumn ?? vscode.ViewColumn.Beside,
    preserveFocus: true,
    preview: false,
  });
}

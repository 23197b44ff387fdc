import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { Conversation } from "./conversation";
import { page, plainTitle, shown } from "./view";

/** What the programmer does in the view. */
export interface Asked {
  cancel(conversation: Conversation): void;
  ask(conversation: Conversation, question: string): void;
}

const INTERVAL = 60;

/** The view beside the code that shows one conversation while it is written. */
export class AnswerPanel implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private conversation: Conversation | undefined;
  private ready = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly extension: vscode.Uri,
    private readonly asked: Asked,
  ) {}

  /** Returns the conversation that is shown. */
  get current(): Conversation | undefined {
    return this.panel ? this.conversation : undefined;
  }

  /** Shows a conversation beside the code; the focus stays where it is unless it is taken. */
  show(conversation: Conversation, takeFocus = false): void {
    this.conversation = conversation;
    if (!this.panel) this.panel = this.open(takeFocus);
    else this.panel.reveal(undefined, !takeFocus);
    this.update(conversation);
  }

  /** Shows what has changed of a conversation, soon, if it is the one that is shown. */
  update(conversation: Conversation): void {
    if (conversation !== this.conversation) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.send();
    }, INTERVAL);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.panel?.dispose();
  }

  private open(takeFocus: boolean): vscode.WebviewPanel {
    const roots = [vscode.Uri.joinPath(this.extension, "out"), this.media()];
    const panel = vscode.window.createWebviewPanel(
      "aiex.answer",
      "aiex",
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: !takeFocus },
      { enableScripts: true, enableFindWidget: true, localResourceRoots: roots },
    );
    panel.iconPath = vscode.Uri.joinPath(this.media(), "icon.png");
    // A view that was hidden is made anew and says so: it gets its text again.
    panel.webview.onDidReceiveMessage((message) => this.receive(message));
    panel.onDidDispose(() => {
      this.panel = undefined;
      this.ready = false;
    });
    const { webview } = panel;
    const script = vscode.Uri.joinPath(this.extension, "out", "webview.js");
    const style = vscode.Uri.joinPath(this.media(), "answer.css");
    webview.html = page(
      randomBytes(18).toString("base64url"),
      webview.cspSource,
      String(webview.asWebviewUri(script)),
      String(webview.asWebviewUri(style)),
    );
    return panel;
  }

  private media(): vscode.Uri {
    return vscode.Uri.joinPath(this.extension, "media");
  }

  private receive(message: { type: string; text?: string; question?: string }): void {
    const { conversation } = this;
    if (message.type === "ready") {
      this.ready = true;
      this.send();
    } else if (message.type === "copy") {
      void vscode.env.clipboard.writeText(message.text ?? "");
    } else if (conversation && message.type === "cancel") {
      this.asked.cancel(conversation);
    } else if (conversation && message.type === "ask" && message.question) {
      this.asked.ask(conversation, message.question);
    }
  }

  private send(): void {
    if (!this.panel || !this.conversation || !this.ready) return;
    this.panel.title = plainTitle(this.conversation.title);
    void this.panel.webview.postMessage({ type: "show", shown: shown(this.conversation) });
  }
}

import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import { ProgressType, type LanguageClient } from "vscode-languageclient/node";
import { answerId, isWriting, type Conversation, type Turn } from "../answers/conversation";
import { Conversations } from "../answers/conversation";
import { AnswerPanel } from "../answers/panel";
import { Joined } from "../answers/stream";
import { tell, type Working } from "../contexts";
import type { Piece, ShownMarkdown, TextResult } from "../protocol";
import { listened } from "./progress";
import { told, verb } from "./methods";

/** Asks for texts: each streams into the view beside the code, and is kept to be read again. */
export class Asking implements vscode.Disposable {
  readonly conversations = new Conversations();
  private readonly panel: AnswerPanel;
  private readonly sources = new Map<string, vscode.CancellationTokenSource>();

  constructor(
    extension: vscode.Uri,
    private readonly client: () => LanguageClient | undefined,
    private readonly during: <T>(work: Promise<T>) => Promise<T>,
    private readonly working: Working,
  ) {
    this.panel = new AnswerPanel(extension, {
      cancel: (conversation) => this.cancel(conversation),
      ask: (conversation, question) => void this.followUp(conversation, question),
    });
  }

  /** Shows the answer to a request beside the code, from its first word on. */
  async ask(method: string, params: Record<string, unknown>): Promise<TextResult | undefined> {
    const document = params["textDocument"] as { uri: string } | undefined;
    const conversation = this.begin(verb(method), document?.uri);
    return this.working.during(() => this.write(conversation, method, params));
  }

  /** Asks about a conversation's last answer; the new one stands under it. */
  async followUp(conversation: Conversation, question: string): Promise<TextResult | undefined> {
    const id = answerId(conversation);
    if (id === undefined || isWriting(conversation)) return undefined;
    this.list(conversation);
    return this.working.during(() =>
      this.write(conversation, "aiex/followUp", { answerId: id, question }, question),
    );
  }

  /** Shows a text that is there already: by the server, or made here. */
  shown({ id, title, markdown, final }: ShownMarkdown, quietly = false): void {
    const known = this.conversations.find(id);
    const conversation = known ?? { id, title, at: new Date(), turns: [] };
    conversation.turns = [{ markdown, state: final ? "done" : "writing", note: "" }];
    this.list(conversation);
    if (quietly) return;
    if (known && this.panel.current === known) this.panel.update(known);
    else if (!known) this.panel.show(conversation);
  }

  /** Keeps the text beside an edit, to be read from the list of answers. */
  keep(title: string, turn: Turn, source: string): void {
    this.list({ id: randomUUID(), title, source, at: new Date(), turns: [turn] });
  }

  /** Shows a conversation again. */
  reopen(conversation: Conversation): void {
    this.panel.show(conversation, true);
  }

  /** Returns the conversation that is on show, else the newest that can be asked about. */
  current(): Conversation | undefined {
    const shown = this.panel.current;
    return shown && answerId(shown) !== undefined ? shown : this.conversations.newest();
  }

  /** Stops what is being written in one conversation, or in all; returns whether there was any. */
  cancel(conversation?: Conversation): boolean {
    const wanted = conversation ? [conversation.id] : [...this.sources.keys()];
    const found = wanted.map((id) => this.sources.get(id)).filter((one) => one !== undefined);
    for (const source of found) source.cancel();
    return found.length > 0;
  }

  dispose(): void {
    this.cancel();
    this.panel.dispose();
  }

  private begin(title: string, source: string | undefined): Conversation {
    const conversation: Conversation = { id: randomUUID(), title, at: new Date(), turns: [] };
    if (source) conversation.source = source;
    this.list(conversation);
    return conversation;
  }

  private list(conversation: Conversation): void {
    this.conversations.keep(conversation);
    this.tellContexts();
  }

  private tellContexts(): void {
    tell("kept", true);
    tell("answered", this.conversations.newest() !== undefined);
  }

  private async write(
    conversation: Conversation,
    method: string,
    params: Record<string, unknown>,
    question?: string,
  ): Promise<TextResult | undefined> {
    const client = this.client();
    if (!client) return undefined;
    const turn: Turn = { markdown: "", state: "writing", note: "Asking…" };
    if (question) turn.question = question;
    conversation.turns.push(turn);
    const source = new vscode.CancellationTokenSource();
    this.sources.set(conversation.id, source);
    this.panel.show(conversation);
    const joined = new Joined();
    const token = randomUUID();
    const streaming = client.onProgress(new ProgressType<Piece>(), token, (piece) => {
      joined.add(piece);
      turn.markdown = joined.text;
      this.panel.update(conversation);
    });
    const heard = {
      title: (title: string) => {
        if (!question) conversation.title = title;
      },
      message: (message: string) => {
        turn.note = message;
        this.panel.update(conversation);
      },
    };
    try {
      const result = await this.during(
        listened(client, heard, (workDoneToken) =>
          client.sendRequest<TextResult>(
            method,
            { ...params, workDoneToken, partialResultToken: token },
            source.token,
          ),
        ),
      );
      Object.assign(turn, { markdown: result.markdown, info: result.answer, note: "" });
      turn.state = "done";
      this.tellContexts();
      if (method === "aiex/explain") tell("explained", true);
      return result;
    } catch (error) {
      const failure = source.token.isCancellationRequested ? undefined : told(error);
      turn.state = failure ? "failed" : "cancelled";
      turn.note = failure?.message ?? "Cancelled.";
      if (failure?.text) turn.markdown = failure.text;
      return undefined;
    } finally {
      streaming.dispose();
      source.dispose();
      this.sources.delete(conversation.id);
      this.panel.update(conversation);
    }
  }
}

import type { AnswerInfo } from "../protocol";

export type State = "writing" | "done" | "cancelled" | "failed";

/** One answer, with the question it answers where the programmer typed one. */
export interface Turn {
  question?: string;
  markdown: string;
  state: State;
  /** What is going on while it is written, or why there is no more of it. */
  note: string;
  info?: AnswerInfo;
}

/** An answer and what was asked about it; `source` is the document it is about. */
export interface Conversation {
  id: string;
  title: string;
  source?: string;
  at: Date;
  turns: Turn[];
}

/** The last conversations, newest first. */
export class Conversations {
  private kept: Conversation[] = [];

  constructor(private readonly limit = 20) {}

  /** Returns all that are kept. */
  all(): readonly Conversation[] {
    return this.kept;
  }

  /** Returns the conversation with an id. */
  find(id: string): Conversation | undefined {
    return this.kept.find((one) => one.id === id);
  }

  /** Returns the newest one that can be asked about. */
  newest(): Conversation | undefined {
    return this.kept.find((one) => answerId(one) !== undefined);
  }

  /** Keeps a conversation as the newest; the oldest goes where there are too many. */
  keep(conversation: Conversation): void {
    const others = this.kept.filter((one) => one.id !== conversation.id);
    this.kept = [conversation, ...others].slice(0, this.limit);
  }
}

/** Returns the id of a conversation's last answer, for a follow-up question. */
export function answerId(conversation: Conversation): string | undefined {
  return conversation.turns.findLast((turn) => turn.info !== undefined)?.info?.id;
}

/** Returns whether an answer of it is still being written. */
export function isWriting(conversation: Conversation): boolean {
  return conversation.turns.at(-1)?.state === "writing";
}

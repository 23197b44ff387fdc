import { randomUUID } from "node:crypto";
import { WorkDoneProgress, type LanguageClient } from "vscode-languageclient/node";

/** What the server says of a piece of work while it goes on. */
export interface Heard {
  title?(title: string): void;
  message?(message: string): void;
}

/** Returns what `work` returns, given a token on which the server tells how it goes. */
export async function listened<T>(
  client: LanguageClient,
  heard: Heard,
  work: (workDoneToken: string) => Promise<T>,
): Promise<T> {
  const token = randomUUID();
  const listening = client.onProgress(WorkDoneProgress.type, token, (value) => {
    if (value.kind === "begin") heard.title?.(value.title);
    if (value.kind !== "end" && value.message) heard.message?.(value.message);
  });
  try {
    return await work(token);
  } finally {
    listening.dispose();
  }
}

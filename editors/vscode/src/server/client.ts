import * as vscode from "vscode";
import {
  LanguageClient,
  RevealOutputChannelOn,
  type LanguageClientOptions,
  type Middleware,
} from "vscode-languageclient/node";
import type { Found } from "./find";

/** Documents that are code or text of the programmer's. */
export const SCHEMES = ["file", "untitled", "vscode-notebook-cell"];

/** What a client is made of. */
export interface Parts {
  found: Found;
  /** Keys, by the names of their variables. */
  keys: Record<string, string>;
  settings: unknown;
  middleware: Middleware;
  output: vscode.LogOutputChannel;
}

/** Returns the one client of all folders. Keys go into the server's environment, nowhere else. */
export function makeClient({ found, keys, settings, middleware, output }: Parts): LanguageClient {
  const options: LanguageClientOptions = {
    documentSelector: SCHEMES.map((scheme) => ({ scheme })),
    diagnosticCollectionName: "aiex",
    outputChannel: output,
    // Failures are told where they belong: by messages, the status bar and the answers view.
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: {
      settings,
      aiex: { providerHealth: true, showMarkdown: true, commandLinks: true },
    },
    markdown: { isTrusted: { enabledCommands: ["aiex/explain"] } },
    middleware,
    stdioOptions: {
      stdout: () => undefined,
      stderr: (input, channel) => {
        // The server's log; a line of it is no error of the client's.
        input.on("data", (data: Buffer) => channel.info(String(data).trimEnd()));
      },
    },
  };
  const env = { ...process.env, ...keys };
  const executable = { command: found.command, args: found.args, options: { env } };
  return new LanguageClient("aiex", "aiex", executable, options);
}

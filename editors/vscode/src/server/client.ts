import * as vscode from "vscode";
import {
  LanguageClient,
  RevealOutputChannelOn,
  type LanguageClientOptions,
  type Middleware,
  type StaticFeature,
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
  const client = new LanguageClient("aiex", "aiex", executable, options);
  hoverBelowOthers(client);
  return client;
}

/**
 * Lets a language's own hovers stand above aiex's: VS Code orders providers by how closely they
 * name the document, then the last to register first.
 */
function hoverBelowOthers(client: LanguageClient): void {
  const feature = client.getFeature("textDocument/hover") as unknown as StaticFeature;
  const initialize = feature.initialize.bind(feature);
  feature.initialize = (capabilities) => initialize(capabilities, [{ language: "*" }]);
}

import * as vscode from "vscode";
import { State, type LanguageClient, type Middleware } from "vscode-languageclient/node";
import type { Keys } from "../keys";
import { keysInSettings, serverKeys, serverSettings } from "../settings";
import type { ServerState } from "../status/text";
import { makeClient } from "./client";
import { NoServer, type Found } from "./find";
import { run } from "./run";
import { SelectedPython } from "./python";
import { locate, look } from "./start";

/** What the server's owner is told. */
export interface Told {
  state(state: ServerState): void;
  /** A new client, before it starts: to register what is told by notifications. */
  created(client: LanguageClient): void;
  middleware: Middleware;
}

/** The one server of this window: started where the workspace is trusted, for all its folders. */
export class Server implements vscode.Disposable {
  client: LanguageClient | undefined;
  private found: Found | undefined;
  private turn: Promise<void> = Promise.resolve();
  private readonly python: SelectedPython;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly keys: Keys,
    private readonly output: vscode.LogOutputChannel,
    private readonly told: Told,
  ) {
    this.python = new SelectedPython(output, () => void this.pythonChanged());
  }

  /** Returns the client where it runs. */
  get running(): LanguageClient | undefined {
    return this.client?.state === State.Running ? this.client : undefined;
  }

  /** Starts the server, or another one in its place; what fails is told. */
  restart(): Promise<void> {
    this.turn = this.turn.then(() => this.startAnew());
    return this.turn;
  }

  /** Returns the server's settings as they are written in VS Code. */
  settings(): unknown {
    const written = vscode.workspace.getConfiguration("aiex");
    return serverSettings(
      serverKeys(this.context.extension.packageJSON),
      (name) => written.inspect(name),
      this.keys.variables(),
    );
  }

  /** Returns where the user's configuration file is, undefined where no server was found. */
  async configPath(): Promise<string | undefined> {
    if (!this.found) return undefined;
    const args = this.found.args.filter((one) => one !== "serve");
    const { ok, output } = await run(this.found.command, [...args, "config", "path", "--json"]);
    if (!ok) return undefined;
    return (JSON.parse(output) as { user: { path: string } }).user.path;
  }

  /** Stops the server. */
  async stop(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    await client?.dispose(3000).catch((error: unknown) => this.output.warn(String(error)));
  }

  dispose(): void {
    this.python.dispose();
    void this.stop();
  }

  /** Another Python was selected: its server is taken, where it has one. */
  private async pythonChanged(): Promise<void> {
    await this.turn;
    if (!vscode.workspace.isTrusted) return;
    const found = await look(this.context, await this.python.path()).catch(() => undefined);
    const isSame = JSON.stringify(found) === JSON.stringify(this.found);
    if (found && !isSame) await this.restart();
  }

  private async startAnew(): Promise<void> {
    await this.stop();
    if (!vscode.workspace.isTrusted) {
      this.told.state("untrusted");
      return;
    }
    this.told.state("starting");
    try {
      this.warnOfKeys();
      const found = await locate(this.context, await this.python.path(), this.output);
      this.found = found;
      this.output.info(`aiex-lsp from ${found.origin}: ${found.command} ${found.args.join(" ")}`);
      const client = makeClient({
        found,
        keys: await this.keys.environment(),
        settings: this.settings(),
        middleware: this.told.middleware,
        output: this.output,
      });
      this.client = client;
      client.onDidChangeState(({ newState }) => {
        if (this.client !== client) return;
        if (newState === State.Starting) this.told.state("starting");
        else if (newState === State.Running) this.told.state("running");
        else if (newState === State.Stopped) this.told.state("stopped");
        else if (newState === State.StartFailed) this.told.state("failed");
      });
      this.told.created(client);
      await client.start();
    } catch (error) {
      this.told.state("failed");
      this.output.error(error instanceof Error ? error : String(error));
      void this.offer(error);
    }
  }

  private async offer(error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    const text = error instanceof NoServer ? message : `aiex-lsp could not start: ${message}`;
    const chosen = await vscode.window.showErrorMessage(text, "Try Again", "Settings", "Log");
    if (chosen === "Try Again") await this.restart();
    if (chosen === "Log") this.output.show();
    if (chosen === "Settings") {
      await vscode.commands.executeCommand("workbench.action.openSettings", "aiex.server");
    }
  }

  private warnOfKeys(): void {
    const providers = vscode.workspace.getConfiguration("aiex").get("providers");
    const names = keysInSettings(providers);
    if (names.length === 0) return;
    void vscode.window
      .showWarningMessage(
        `The key of ${names.join(", ")} in settings.json is not used: settings are synced and shared.`,
        "Set Key",
      )
      .then((chosen) => chosen && vscode.commands.executeCommand("aiex.setKey", names[0]));
  }
}

import { randomUUID } from "node:crypto";
import { dirname } from "node:path";
import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { tell } from "./contexts";
import type { Keys } from "./keys";
import { doctorPage, promptPage, usagePage, type Usage } from "./pages";
import type { Diagnosis, ProviderStatus, RenderedPrompt } from "./protocol";
import type { Asking } from "./tasks/ask";
import { placeOf } from "./tasks/place";

const TASKS = ["explain", "analyze", "generateTests", "document", "refactor"];

/** What the further commands need. */
export interface Needs {
  client(): LanguageClient | undefined;
  asking: Asking;
  keys: Keys;
  output: vscode.LogOutputChannel;
  restart(): Promise<void>;
  configPath(): Promise<string | undefined>;
  paused(paused: boolean): void;
}

/** The commands that ask no model: texts about the server, keys, configuration. */
export class MoreCommands {
  constructor(private readonly needs: Needs) {}

  /** Returns each command's id with what it does. */
  all(): Record<string, (...args: unknown[]) => unknown> {
    return {
      "aiex.doctor": () =>
        this.page<Diagnosis>("aiex/diagnoseConfig", {}, "aiex: doctor", doctorPage),
      "aiex.usage": () => this.page<Usage>("aiex/usage", { days: 7 }, "aiex: usage", usagePage),
      "aiex.showPrompt": (task) => this.prompt(task),
      "aiex.clearFindings": () => this.request("aiex/clearFindings", {}),
      "aiex.pause": () => this.pause(),
      "aiex.openConfig": () => this.openConfig(),
      "aiex.setKey": (provider) => this.setKey(provider),
      "aiex.removeKey": (provider) => this.removeKey(provider),
      "aiex.showLog": () => this.needs.output.show(),
      "aiex.restart": () => this.needs.restart(),
    };
  }

  private async page<T>(method: string, params: object, title: string, text: (found: T) => string) {
    const found = await this.request<T>(method, params);
    if (!found) return;
    this.needs.asking.shown({ id: randomUUID(), title, markdown: text(found), final: true });
  }

  private async prompt(name: unknown): Promise<void> {
    const client = this.needs.client();
    const place = client && placeOf(client);
    if (!place) return;
    const task = TASKS.includes(name as string)
      ? name
      : await vscode.window.showQuickPick(TASKS, { title: "aiex: the prompt of which task?" });
    if (!task) return;
    const title = `aiex: prompt of ${task}`;
    await this.page<RenderedPrompt>("aiex/renderPrompt", { ...place, task }, title, promptPage);
  }

  private async pause(): Promise<void> {
    const now = await this.request<{ paused: boolean }>("aiex/pause", {});
    if (!now) return;
    const then = await this.request<{ paused: boolean }>("aiex/pause", { paused: !now.paused });
    if (then) this.needs.paused(then.paused);
  }

  private async openConfig(): Promise<void> {
    const path = await this.needs.configPath();
    if (!path) {
      const text = "aiex: start the server first, or ask a terminal: aiex-lsp config path";
      return void vscode.window.showErrorMessage(text);
    }
    const uri = vscode.Uri.file(path);
    try {
      await vscode.workspace.fs.stat(uri);
    } catch {
      await vscode.workspace.fs.createDirectory(vscode.Uri.file(dirname(path)));
      const head =
        "# Configuration of aiex-lsp, for all editors: https://pypi.org/project/aiex-lsp\n";
      await vscode.workspace.fs.writeFile(uri, Buffer.from(head));
    }
    await vscode.window.showTextDocument(uri);
  }

  private async setKey(name: unknown): Promise<void> {
    const provider = typeof name === "string" ? name : await this.pickProvider();
    if (!provider) return;
    const key = await vscode.window.showInputBox({
      title: `aiex: key of ${provider}`,
      prompt: "Kept in VS Code's secret storage and given to the server alone.",
      password: true,
      ignoreFocusOut: true,
    });
    if (!key?.trim()) return;
    await this.needs.keys.set(provider, key.trim());
    tell("hasModel", true);
    await this.needs.restart();
    void vscode.window.setStatusBarMessage(`$(key) aiex: the key of ${provider} is kept`, 6000);
  }

  private async removeKey(name: unknown): Promise<void> {
    const names = this.needs.keys.names();
    if (names.length === 0) {
      void vscode.window.showInformationMessage("aiex: VS Code keeps no key of a provider.");
      return;
    }
    const title = "aiex: remove which key?";
    const provider =
      typeof name === "string" ? name : await vscode.window.showQuickPick(names, { title });
    if (!provider) return;
    await this.needs.keys.remove(provider);
    await this.needs.restart();
  }

  private async pickProvider(): Promise<string | undefined> {
    const usual = ["anthropic", "openai"];
    const client = this.needs.client();
    const found = client ? await this.request<ProviderStatus[]>("aiex/providers", {}) : undefined;
    const remote = (found ?? []).filter((one) => !one.local).map((one) => one.provider);
    const names = [...new Set([...usual, ...remote])];
    return vscode.window.showQuickPick(names, { title: "aiex: key of which provider?" });
  }

  private async request<T>(method: string, params: object): Promise<T | undefined> {
    try {
      return await this.needs.client()?.sendRequest<T>(method, params);
    } catch (error) {
      void vscode.window.showErrorMessage(`aiex: ${(error as Error).message}`);
      return undefined;
    }
  }
}

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { dollars } from "./answers/meta";
import type { Active, Model, ProviderStatus } from "./protocol";
import type { StatusItem } from "./status/item";
import { byUse, standing } from "./status/text";

const STRATEGIES = [
  ["load_balanced", "the least busy and quickest"],
  ["round_robin", "one after the other"],
  ["random", "any of them"],
  ["local_affinity", "those on this machine first"],
  ["cost_optimized", "the cheapest first"],
] as const;

/** The status bar's menu: who answers, how the providers stand, what to do about it. */
export class Menu {
  constructor(
    private readonly client: () => LanguageClient | undefined,
    private readonly status: StatusItem,
  ) {}

  /** Returns each command's id with what it does. */
  all(): Record<string, (...args: unknown[]) => unknown> {
    return {
      "aiex.menu": () => this.open(),
      "aiex.selectProvider": (name) => this.selectProvider(name),
      "aiex.selectModel": (name) => this.selectModel(name),
      "aiex.selectStrategy": (name) => this.selectStrategy(name),
      "aiex.checkHealth": () => this.checkHealth(),
      "aiex.resetCircuit": (name) => this.resetCircuit(name),
    };
  }

  private async open(): Promise<void> {
    const active = this.status.health?.active;
    const cost = this.status.health?.todayCost;
    const running = this.client() !== undefined;
    const items: (vscode.QuickPickItem & { command?: string })[] = running
      ? [
          {
            label: "$(server) Provider…",
            description: active?.provider ?? "",
            command: "aiex.selectProvider",
          },
          {
            label: "$(symbol-misc) Model…",
            description: active?.model ?? "",
            command: "aiex.selectModel",
          },
          {
            label: "$(git-compare) Strategy…",
            description: active?.strategy ?? "",
            command: "aiex.selectStrategy",
          },
          { label: "$(pulse) Check providers now", command: "aiex.checkHealth" },
          { label: "$(debug-restart) Reset a circuit…", command: "aiex.resetCircuit" },
          { label: "", kind: vscode.QuickPickItemKind.Separator },
          { label: "$(comment-discussion) Earlier answers…", command: "aiex.answers" },
          {
            label: "$(graph) Usage and cost",
            description: cost ? `today ${dollars(cost)}` : "",
            command: "aiex.usage",
          },
          { label: "$(checklist) Doctor: what is wrong?", command: "aiex.doctor" },
          { label: "$(debug-pause) Pause or resume", command: "aiex.pause" },
        ]
      : [];
    items.push(
      { label: "", kind: vscode.QuickPickItemKind.Separator },
      { label: "$(key) Set a provider's key…", command: "aiex.setKey" },
      { label: "$(gear) Open the configuration", command: "aiex.openConfig" },
      { label: "$(refresh) Restart the server", command: "aiex.restart" },
      { label: "$(output) Show the log", command: "aiex.showLog" },
    );
    if (!vscode.workspace.isTrusted) {
      items.unshift({
        label: "$(shield) Trust this workspace…",
        command: "workbench.trust.manage",
      });
    }
    const picked = await vscode.window.showQuickPick(items, {
      title: "aiex",
      placeHolder: "What do you want to do?",
    });
    if (picked?.command) await vscode.commands.executeCommand(picked.command);
  }

  private async selectProvider(name: unknown): Promise<void> {
    const provider = typeof name === "string" ? name : await this.pickProvider(true);
    if (provider === undefined) return;
    await this.select(provider === null ? null : { provider });
  }

  private async selectModel(name: unknown): Promise<void> {
    const provider = this.status.health?.active.provider;
    const models = (await this.ask<Model[]>("aiex/models", provider ? { provider } : {})) ?? [];
    const items = models.map((one) => ({
      label: one.id,
      description: one.provider + (one.local ? " · local" : ""),
      ...(one.contextWindow ? { detail: `${one.contextWindow} tokens` } : {}),
      model: one,
    }));
    const known = models.find((one) => one.id === name);
    const model =
      known ?? (await vscode.window.showQuickPick(items, { title: "aiex: which model?" }))?.model;
    if (model) await this.select({ provider: model.provider, model: model.id });
  }

  private async selectStrategy(name: unknown): Promise<void> {
    const items = STRATEGIES.map(([label, description]) => ({ label, description }));
    const strategy =
      typeof name === "string"
        ? name
        : (await vscode.window.showQuickPick(items, { title: "aiex: how is a provider chosen?" }))
            ?.label;
    if (strategy) await this.select({ strategy });
  }

  private async select(wanted: Record<string, unknown> | null): Promise<void> {
    const none = { provider: null, model: null, strategy: null };
    const now = await this.ask<Active>("aiex/selectProvider", wanted ?? none);
    if (!now) return;
    const who = [now.provider ?? "by strategy", now.model, now.strategy]
      .filter(Boolean)
      .join(" · ");
    void vscode.window.setStatusBarMessage(`$(check) aiex: ${who}`, 6000);
  }

  private async checkHealth(): Promise<void> {
    const asked = this.status.during(this.ask<ProviderStatus[]>("aiex/checkHealth", {}));
    const found = await asked;
    if (!found) return;
    const items = byUse(found).map((one) => ({
      label: one.provider,
      description: standing(one),
    }));
    await vscode.window.showQuickPick(items, { title: "aiex: the providers now" });
  }

  private async resetCircuit(name: unknown): Promise<void> {
    const provider = typeof name === "string" ? name : await this.pickProvider(false);
    if (!provider) return;
    const now = await this.ask<ProviderStatus>("aiex/resetCircuit", { provider });
    if (now) void vscode.window.setStatusBarMessage(`$(check) ${provider}: ${standing(now)}`, 6000);
  }

  /** Returns a provider's name, null for the configuration's choice, undefined for none. */
  private async pickProvider(orNone: boolean): Promise<string | null | undefined> {
    const found = byUse((await this.ask<ProviderStatus[]>("aiex/providers", {})) ?? []);
    const items: { label: string; description: string; name: string | null }[] = found.map(
      (one) => ({
        label: one.provider,
        description: [one.model, one.local ? "local" : null, standing(one)]
          .filter(Boolean)
          .join(" · "),
        name: one.provider,
      }),
    );
    if (orNone) {
      items.push({ label: "$(discard) As configured", description: "", name: null });
    }
    return (await vscode.window.showQuickPick(items, { title: "aiex: which provider?" }))?.name;
  }

  private async ask<T>(method: string, params: object): Promise<T | undefined> {
    try {
      return await this.client()?.sendRequest<T>(method, params);
    } catch (error) {
      void vscode.window.showErrorMessage(`aiex: ${(error as Error).message}`);
      return undefined;
    }
  }
}

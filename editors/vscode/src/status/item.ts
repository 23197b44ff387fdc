import * as vscode from "vscode";
import type { ProviderHealth } from "../protocol";
import { bar, tooltip, type ServerState } from "./text";

/** The status bar's item: who answers, how the providers stand, what today has cost. */
export class StatusItem implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private state: ServerState = "stopped";
  private work = 0;
  health: ProviderHealth | undefined;

  constructor() {
    this.item = vscode.window.createStatusBarItem(
      "aiex.status",
      vscode.StatusBarAlignment.Right,
      90,
    );
    this.item.name = "aiex";
    this.item.command = "aiex.menu";
    this.show();
    this.item.show();
  }

  /** Shows how the server stands. */
  server(state: ServerState): void {
    this.state = state;
    if (state !== "running" && state !== "paused") this.health = undefined;
    this.show();
  }

  /** Shows how the providers stand. */
  providers(health: ProviderHealth): void {
    this.health = health;
    this.show();
  }

  /** Returns what `work` returns; meanwhile the item spins. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.work += 1;
    this.show();
    try {
      return await work;
    } finally {
      this.work -= 1;
      this.show();
    }
  }

  dispose(): void {
    this.item.dispose();
  }

  private show(): void {
    const { text, label, colour } = bar(this.state, this.health, this.work > 0);
    this.item.text = text;
    this.item.accessibilityInformation = { label, role: "button" };
    this.item.backgroundColor = colour ? new vscode.ThemeColor(colour) : undefined;
    this.item.tooltip = new vscode.MarkdownString(tooltip(this.state, this.health), true);
  }
}

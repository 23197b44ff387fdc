import * as vscode from "vscode";

/** What `when` clauses and steps of the walkthrough in package.json ask for. */
export type Context =
  "running" | "working" | "previewing" | "kept" | "answered" | "explained" | "edited" | "hasModel";

/** Tells VS Code that something holds, or holds no longer. */
export function tell(name: Context, holds: boolean): void {
  void vscode.commands.executeCommand("setContext", `aiex.${name}`, holds);
}

/** Counts the work that can be cancelled. */
export class Working {
  private count = 0;

  /** Returns what `work` returns; meanwhile there is something to cancel. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.count += 1;
    tell("working", true);
    try {
      return await work();
    } finally {
      this.count -= 1;
      tell("working", this.count > 0);
    }
  }
}

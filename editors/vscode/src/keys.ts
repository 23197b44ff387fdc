import type * as vscode from "vscode";

/** Variables in which the vendors' own tools look for a key. */
const USUAL: Readonly<Record<string, string>> = {
  anthropic: "ANTHROPIC_API_KEY",
  openai: "OPENAI_API_KEY",
};

const PREFIX = "aiex.key.";
const NAMES = "aiex.keys";

/** Returns the variable of the server's environment in which a provider's key is given. */
export function variableOf(provider: string): string {
  return USUAL[provider] ?? `AIEX_KEY_${provider.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`;
}

/** Providers' keys in VS Code's secret storage; the state keeps their names, never a key. */
export class Keys {
  constructor(
    private readonly secrets: vscode.SecretStorage,
    private readonly state: vscode.Memento,
  ) {}

  /** Returns the providers that have a key here. */
  names(): string[] {
    return this.state.get<string[]>(NAMES, []);
  }

  /** Keeps a provider's key. */
  async set(provider: string, key: string): Promise<void> {
    await this.secrets.store(PREFIX + provider, key);
    await this.state.update(NAMES, [...new Set([...this.names(), provider])].sort());
  }

  /** Forgets a provider's key. */
  async remove(provider: string): Promise<void> {
    await this.secrets.delete(PREFIX + provider);
    await this.state.update(
      NAMES,
      this.names().filter((name) => name !== provider),
    );
  }

  /** Returns the name of each provider's variable, for settings to refer to. */
  variables(): Record<string, string> {
    return Object.fromEntries(this.names().map((name) => [name, variableOf(name)]));
  }

  /** Returns the keys as the environment of the server's process. */
  async environment(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const name of this.names()) {
      const key = await this.secrets.get(PREFIX + name);
      if (key) found[variableOf(name)] = key;
    }
    return found;
  }
}

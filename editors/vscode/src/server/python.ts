import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";

/** The part of the Python extension's API that is used. */
interface PythonApi {
  environments: {
    getActiveEnvironmentPath(): { path: string } | undefined;
    resolveEnvironment(path: unknown): Promise<{ executable?: { uri?: vscode.Uri } } | undefined>;
    onDidChangeActiveEnvironmentPath?: vscode.Event<unknown>;
  };
}

/** The Python extension looks at the whole machine before it answers; so long it is waited for. */
const PATIENCE = 10_000;

/** The Python that is selected in the Python extension, where that is installed. */
export class SelectedPython implements vscode.Disposable {
  private listening: vscode.Disposable | undefined;

  constructor(
    private readonly log: vscode.LogOutputChannel,
    private readonly changed: () => void,
  ) {}

  /** Returns its path, undefined where none is selected or nobody tells. */
  async path(): Promise<string | undefined> {
    const extension = vscode.extensions.getExtension<PythonApi>("ms-python.python");
    if (!extension) return undefined;
    const limit = new AbortController();
    const late = sleep(PATIENCE, undefined, { signal: limit.signal, ref: false }).then(
      () => this.log.warn("The Python extension does not answer; aiex looks elsewhere."),
      () => undefined,
    );
    try {
      return (await Promise.race([this.asked(extension), late])) ?? undefined;
    } catch (error) {
      this.log.warn(`The Python extension does not tell which Python is selected: ${error}`);
      return undefined;
    } finally {
      limit.abort();
    }
  }

  dispose(): void {
    this.listening?.dispose();
  }

  private async asked(extension: vscode.Extension<PythonApi>): Promise<string | undefined> {
    const { environments } = extension.isActive ? extension.exports : await extension.activate();
    this.listening ??= environments.onDidChangeActiveEnvironmentPath?.(() => this.changed());
    const active = environments.getActiveEnvironmentPath();
    const environment = await environments.resolveEnvironment(active);
    return environment?.executable?.uri?.fsPath ?? active?.path;
  }
}

import { join } from "node:path";
import * as vscode from "vscode";
import { bundledWheel, cancelled, isOld, madePython, make, pythonsOnPath } from "./environment";
import { find, module, NoServer, OWN, type Found } from "./find";
import { locked } from "./lock";
import { run } from "./run";

const WINDOWS = process.platform === "win32";

/** Returns how the server is started; makes an environment for it where it is nowhere. */
export async function locate(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
): Promise<Found> {
  const settings = vscode.workspace.getConfiguration("aiex.server");
  const folder = join(context.globalStorageUri.fsPath, "server");
  const python = await selectedPython(log);
  const path = process.env["PATH"] ?? "";
  const found = await find({
    configured: settings.get<string[]>("command", []),
    python,
    path,
    windows: WINDOWS,
    own: madePython(folder, WINDOWS),
    run: (command, args) => run(command, args),
  });
  const wheels = vscode.Uri.joinPath(context.extensionUri, "server").fsPath;
  const source = settings.get<string>("install", "").trim() || bundledWheel(wheels);
  if (found && !(found.origin === OWN && source && isOld(folder, source))) return found;
  if (!source) {
    throw new NoServer(
      "aiex-lsp is not installed on this machine.",
      "Install it, or set aiex.server.command to where it is.",
    );
  }
  const pythons = [...(python ? [python] : []), ...pythonsOnPath(path, WINDOWS)];
  const own = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: found ? "aiex: update" : "aiex: first start",
      cancellable: true,
    },
    (progress, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      // A window that is closed leaves no pip behind that goes on writing.
      context.subscriptions.push({ dispose: () => abort.abort() });
      const { signal } = abort;
      const report = (message: string) => progress.report({ message });
      const waits = () => report("another window makes the environment");
      return locked(`${folder}.lock`, { signal, waits }, () => {
        // What another window made meanwhile is as good.
        const made = madePython(folder, WINDOWS);
        if (made && !isOld(folder, source)) return Promise.resolve(made);
        return make({
          folder,
          source,
          pythons,
          windows: WINDOWS,
          signal,
          run: (command, args, timeout) => run(command, args, timeout, signal),
          report,
          log: (message) => log.info(message),
        });
      });
    },
  );
  if (own) return module(own, OWN);
  if (found) return found;
  throw cancelled();
}

/** Returns the Python that is selected in the Python extension, where that is installed. */
async function selectedPython(log: vscode.LogOutputChannel): Promise<string | undefined> {
  const extension = vscode.extensions.getExtension("ms-python.python");
  if (!extension) return undefined;
  try {
    const api = extension.isActive ? extension.exports : await extension.activate();
    const active = api.environments.getActiveEnvironmentPath();
    const environment = await api.environments.resolveEnvironment(active);
    return environment?.executable?.uri?.fsPath ?? active?.path;
  } catch (error) {
    log.warn(`The Python extension does not tell which Python is selected: ${error}`);
    return undefined;
  }
}

import { join } from "node:path";
import * as vscode from "vscode";
import { bundledWheel, cancelled, isOld, madePython, make, pythonsOnPath } from "./environment";
import { find, module, NoServer, OWN, type Found } from "./find";
import { locked } from "./lock";
import { run } from "./run";

const WINDOWS = process.platform === "win32";

/** Returns how the server is started, undefined where it is nowhere yet. */
export function look(
  context: vscode.ExtensionContext,
  python: string | undefined,
): Promise<Found | undefined> {
  return find({
    configured: vscode.workspace.getConfiguration("aiex.server").get<string[]>("command", []),
    python,
    path: process.env["PATH"] ?? "",
    windows: WINDOWS,
    own: madePython(ownFolder(context), WINDOWS),
    run: (command, args) => run(command, args),
  });
}

/** Returns how the server is started; makes an environment for it where it is nowhere. */
export async function locate(
  context: vscode.ExtensionContext,
  python: string | undefined,
  log: vscode.LogOutputChannel,
): Promise<Found> {
  const settings = vscode.workspace.getConfiguration("aiex.server");
  const folder = ownFolder(context);
  const found = await look(context, python);
  const wheels = vscode.Uri.joinPath(context.extensionUri, "server").fsPath;
  const source = settings.get<string>("install", "").trim() || bundledWheel(wheels);
  if (found && !(found.origin === OWN && source && isOld(folder, source))) return found;
  if (!source) {
    throw new NoServer(
      "aiex-lsp is not installed on this machine.",
      "Install it, or set aiex.server.command to where it is.",
    );
  }
  const pythons = [
    ...(python ? [python] : []),
    ...pythonsOnPath(process.env["PATH"] ?? "", WINDOWS),
  ];
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

function ownFolder(context: vscode.ExtensionContext): string {
  return join(context.globalStorageUri.fsPath, "server");
}

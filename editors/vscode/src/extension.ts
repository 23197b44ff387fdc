import * as vscode from "vscode";
import { tell, Working } from "./contexts";
import { Previews } from "./edits/preview";
import { Keys } from "./keys";
import { Lenses } from "./lenses";
import { Menu } from "./menu";
import { showMessages } from "./messages";
import { middleware } from "./middleware";
import { MoreCommands } from "./more";
import type { ProviderHealth, ShownMarkdown } from "./protocol";
import { Server } from "./server/server";
import { StatusItem } from "./status/item";
import { hasModel } from "./status/text";
import { Asking } from "./tasks/ask";
import { TaskCommands } from "./tasks/commands";
import { Editing } from "./tasks/edit";

let stop: (() => Promise<void>) | undefined;

/** Joins the parts and starts the server; a window without trust only says so. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel("aiex", { log: true });
  const status = new StatusItem();
  const keys = new Keys(context.secrets, context.globalState);
  const client = () => server.running;
  const during = <T>(work: Promise<T>) => status.during(work);
  const previews = new Previews();
  const working = new Working();
  const asking = new Asking(context.extensionUri, client, during, working);
  const editing = new Editing(client, asking, previews, during, working);
  const tasks = new TaskCommands(client, asking, editing);
  const lenses = new Lenses(() => client() !== undefined);
  const server = new Server(context, keys, output, {
    state: (state) => {
      status.server(state);
      tell("running", state === "running");
      lenses.refresh();
    },
    created: (made) => {
      showMessages(made);
      made.onNotification("aiex/providerHealth", (told: ProviderHealth) => {
        status.providers(told);
        if (hasModel(told)) tell("hasModel", true);
      });
      made.onNotification("aiex/showMarkdown", (told: ShownMarkdown) =>
        asking.shown(told, editing.tookBack()),
      );
    },
    middleware: middleware({
      tasks,
      settings: () => server.settings(),
      pushSettings: async () => {
        const settings = { aiex: server.settings() };
        await client()?.sendNotification("workspace/didChangeConfiguration", { settings });
      },
      previews,
      previewed: (title, how) => editing.previewed(title, how),
      discarded: () => editing.discarded(),
    }),
  });
  stop = () => server.stop();
  const menu = new Menu(client, status);
  const more = new MoreCommands({
    client,
    asking,
    keys,
    output,
    restart: () => server.restart(),
    configPath: () => server.configPath(),
    paused: (paused) => status.server(paused ? "paused" : "running"),
  });
  const commands = { ...tasks.all(), ...previews.all(), ...menu.all(), ...more.all() };
  context.subscriptions.push(
    output,
    status,
    previews,
    asking,
    lenses,
    server,
    ...Object.entries(commands).map(([id, run]) => vscode.commands.registerCommand(id, run)),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void server.restart()),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("aiex.server")) void server.restart();
    }),
  );
  await server.restart();
}

/** Stops the server. */
export async function deactivate(): Promise<void> {
  await stop?.();
}

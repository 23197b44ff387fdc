// Asks VS Code's API what other extensions see of aiex, and writes it to $AIEX_API as JSON.
const fs = require('node:fs');
const vscode = require('vscode');
const beside = require('./beside');
const { file, until } = require('./help');
const memory = require('./memory');

const EXTENSION = 'aiex-lsp.aiex-lsp';

const WHERE = new vscode.Range(3, 4, 3, 4);

function actions(uri, kind) {
  return vscode.commands.executeCommand('vscode.executeCodeActionProvider', uri, WHERE, kind);
}

const LOOKS = {
  async commands() {
    return (await vscode.commands.getCommands(true)).filter((id) => /^aiex[./]/.test(id));
  },

  async declared() {
    const { contributes } = vscode.extensions.getExtension(EXTENSION).packageJSON;
    return contributes.commands.map((one) => one.command);
  },

  // The language client is one for all folders: each has the same actions.
  async folders() {
    const found = {};
    // A template of the workspace is there when its folder has been read.
    const known = { project: 'Write a haiku', other: '`total`' };
    for (const folder of ['project', 'other']) {
      const uri = file(folder, 'prices.py');
      await vscode.window.showTextDocument(uri);
      const listed = await until(`actions of ${folder}`, async () => {
        const all = (await actions(uri)) ?? [];
        return all.some((one) => one.title.includes(known[folder])) && all;
      });
      found[folder] = listed.map((one) => [one.title, one.kind?.value]);
    }
    return found;
  },

  async only() {
    const uri = file('project', 'prices.py');
    const listed = await actions(uri, 'aiex.explain');
    return listed.map((one) => one.title);
  },

  async active() {
    return vscode.extensions.getExtension(EXTENSION).isActive;
  },

  // What VS Code itself completes from the words of the file, and nothing else.
  async completion() {
    const uri = file('project', 'prices.py');
    const list = await vscode.commands.executeCommand(
      'vscode.executeCompletionItemProvider', uri, new vscode.Position(5, 11));
    return list.items.map((one) => one.label.label ?? one.label);
  },

  // The keys that hold where nobody has set any: VS Code's, its extensions' and ours.
  async keys() {
    const uri = vscode.Uri.parse('vscode://defaultsettings/keybindings.json');
    const text = (await vscode.workspace.openTextDocument(uri)).getText();
    return [...text.matchAll(/\{ "key": "([^"]+)",\s+"command": "([^"]+)"/g)].map(([, ...one]) => one);
  },

  // A cell is a document of its own.
  async notebook() {
    const cell = new vscode.NotebookCellData(
      vscode.NotebookCellKind.Code, 'def doubled(number):\n    return 2 * number\n', 'python');
    const notebook = await vscode.workspace.openNotebookDocument(
      'jupyter-notebook', new vscode.NotebookData([cell]));
    await vscode.window.showNotebookDocument(notebook);
    const { uri } = notebook.cellAt(0).document;
    const at = new vscode.Range(0, 5, 0, 5);
    const listed = await until('actions of a cell', async () => {
      const all = await vscode.commands.executeCommand('vscode.executeCodeActionProvider', uri, at);
      return all?.some((one) => one.title.includes('doubled')) && all;
    });
    return listed.map((one) => one.title);
  },

  async settings() {
    const all = vscode.workspace.getConfiguration();
    return JSON.stringify(all.get('aiex'));
  },

  async findings() {
    const uri = file('other', 'prices.py');
    const editor = await vscode.window.showTextDocument(uri);
    editor.selection = new vscode.Selection(WHERE.start, WHERE.start);
    await vscode.commands.executeCommand('aiex.analyze', 'general');
    const mine = () => vscode.languages.getDiagnostics(uri).filter((one) => one.source === 'aiex');
    const found = await until('findings', () => mine().length > 0 && mine());
    const seen = found.map((one) => [one.range.start.line, one.message, one.severity]);
    await vscode.commands.executeCommand('aiex.clearFindings');
    await until('no findings', () => mine().length === 0);
    return seen;
  },

  async symbols() {
    const extension = vscode.extensions.getExtension(EXTENSION);
    return { kind: extension.extensionKind, main: extension.packageJSON.main };
  },
};

/** Runs looks one after the other and writes what they saw, or why they got stuck, to a file. */
async function write(path, looks) {
  const seen = {};
  for (const [name, look] of Object.entries(looks)) {
    try {
      seen[name] = { saw: await look() };
    } catch (error) {
      seen[name] = { stuck: String(error.stack) };
    }
  }
  fs.writeFileSync(`${path}.part`, JSON.stringify(seen));
  fs.renameSync(`${path}.part`, path);
}

/** Takes over the settings that lie beside the results. */
async function takeSettings() {
  const path = `${process.env.AIEX_API}.settings`;
  if (!fs.existsSync(path)) return; // taken already
  for (const [key, value] of Object.entries(JSON.parse(fs.readFileSync(path, 'utf8')))) {
    const target = vscode.ConfigurationTarget.Global;
    await vscode.workspace.getConfiguration().update(key, value ?? undefined, target);
  }
  fs.rmSync(path, { force: true });
}

exports.activate = (context) => {
  context.subscriptions.push(
    vscode.workspace.registerFileSystemProvider('memory', memory),
    vscode.commands.registerCommand('aiexTests.settings', takeSettings),
    vscode.commands.registerCommand('aiexTests.run', () => write(process.env.AIEX_API, LOOKS)),
    vscode.commands.registerCommand('aiexTests.beside', () =>
      write(`${process.env.AIEX_API}.beside`, beside.looks)),
    vscode.commands.registerCommand('aiexTests.other', () => {
      context.subscriptions.push(...beside.register());
    }));
};

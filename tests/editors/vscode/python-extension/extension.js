// The part of the Python extension's API that aiex asks; at first a Python without aiex-lsp.
const vscode = require('vscode');

exports.activate = (context) => {
  const changed = new vscode.EventEmitter();
  let path = '/nowhere/python';
  context.subscriptions.push(
    changed,
    vscode.commands.registerCommand('python.select', () => {
      path = process.env.AIEX_PYTHON;
      changed.fire({ id: path, path, resource: undefined });
    }));
  return {
    environments: {
      onDidChangeActiveEnvironmentPath: changed.event,
      getActiveEnvironmentPath: () => ({ id: path, path }),
      resolveEnvironment: async (active) => ({ id: active.path, executable: { uri: vscode.Uri.file(active.path) } }),
    },
  };
};

// What the looks at VS Code's API share.
const vscode = require('vscode');

/** Resolves with the first value of `look` that is true. */
async function until(what, look, limit = 10000) {
  const end = Date.now() + limit;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Returns the address of a file of a workspace folder. */
function file(folder, name) {
  const found = vscode.workspace.workspaceFolders.find((one) => one.name === folder);
  return vscode.Uri.joinPath(found.uri, name);
}

module.exports = { file, until };

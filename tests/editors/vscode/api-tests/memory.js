// A folder that is on no disk, as those of a repository on the web are.
const vscode = require('vscode');

const TEXT = 'def total(prices):\n    return sum(prices)\n';
const changed = new vscode.EventEmitter();

/** Returns the files below `memory:/`: one. */
module.exports = {
  onDidChangeFile: changed.event,
  watch: () => new vscode.Disposable(() => undefined),
  stat({ path }) {
    if (path === '/') return { type: vscode.FileType.Directory, ctime: 0, mtime: 0, size: 0 };
    if (path === '/prices.py') return { type: vscode.FileType.File, ctime: 0, mtime: 0, size: TEXT.length };
    throw vscode.FileSystemError.FileNotFound(path);
  },
  readDirectory: () => [['prices.py', vscode.FileType.File]],
  readFile: () => Buffer.from(TEXT),
  createDirectory: () => undefined,
  writeFile: () => undefined,
  delete: () => undefined,
  rename: () => undefined,
};

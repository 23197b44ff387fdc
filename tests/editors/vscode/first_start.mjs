// Starts the extension's own search for the server, with the parts of VS Code it uses stood in for.
// Prints what it found or why not, and what was told meanwhile.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const given = JSON.parse(process.env.AIEX_GIVEN);
const { build } = createRequire(join(given.extension, 'package.json'))('esbuild');

const told = [];
const cancels = [];
globalThis.standIn = {
  ProgressLocation: { Notification: 15 },
  Uri: { joinPath: (uri, name) => ({ fsPath: join(uri.fsPath, name) }) },
  workspace: {
    getConfiguration: () => ({ get: (name, otherwise) => given.settings[name] ?? otherwise }),
  },
  window: {
    withProgress: ({ title }, work) => {
      const report = ({ message }) => {
        told.push(`${title}: ${message}`);
        if (given.cancelAt && message.includes(given.cancelAt)) cancels.forEach((one) => one());
      };
      return work({ report }, { onCancellationRequested: (one) => cancels.push(one) });
    },
  },
};

const folder = mkdtempSync(join(tmpdir(), 'aiex-first-'));
try {
  const standIn = join(folder, 'vscode.cjs');
  writeFileSync(standIn, 'module.exports = globalThis.standIn;');
  await build({
    entryPoints: [join(given.extension, 'src/server/start.ts')],
    outfile: join(folder, 'start.cjs'),
    alias: { vscode: standIn },
    bundle: true,
    platform: 'node',
    logLevel: 'error',
  });
  const { locate } = createRequire(import.meta.url)(join(folder, 'start.cjs'));
  const context = {
    extensionUri: { fsPath: given.extension },
    globalStorageUri: { fsPath: given.storage },
    subscriptions: [],
  };
  const began = Date.now();
  const ended = await locate(context, undefined, { info: () => {}, warn: () => {} }).then(
    (found) => ({ found }),
    (error) => ({ error: error.message, next: error.next }),
  );
  console.log(JSON.stringify({ ...ended, told, ms: Date.now() - began }));
} finally {
  rmSync(folder, { recursive: true });
}

// Documents, notebooks, folders and settings, as an editor tells of them; every command.
import { readFileSync } from 'node:fs';
import { Session, within } from './session.mjs';
import { RESULTS } from './shapes.mjs';

const ROOT = process.env.AIEX_ROOT;
const CODE = 'def total(prices):\r\n    return sum(prices)  # 😀 é\r\n';
const place = (line, character) => ({ line, character });

/** Return the text of a function as the model would be shown it. */
async function shown(session, uri, line) {
  const asked = { textDocument: { uri }, position: place(line, 5), task: 'explain' };
  const { messages } = await session.ask('aiex/renderPrompt', asked);
  return messages.at(-1).content;
}

/** Return what the server has of documents that are changed, saved, closed and opened again. */
export async function documents() {
  const session = new Session();
  await session.initialize();
  const uri = session.open(`${ROOT}/synced.py`, CODE);
  const change = (version, ...contentChanges) =>
    session.tell('textDocument/didChange', { textDocument: { uri, version }, contentChanges });
  const seen = {};
  change(2, { range: { start: place(1, 26), end: place(1, 28) }, text: 'moon' },
    { range: { start: place(0, 0), end: place(0, 0) }, text: '# ein\r\n' });
  session.tell('textDocument/didSave', { textDocument: { uri } });
  seen.incremental = (await shown(session, uri, 1)).includes('return sum(prices)  # moon é');
  change(3, { text: CODE.replace('sum', 'max') });
  seen.whole = (await shown(session, uri, 0)).includes('return max(prices)');
  session.tell('textDocument/didClose', { textDocument: { uri } });
  const closed = await session.failure('aiex/explain', { textDocument: { uri } });
  seen.closed = [closed.code, closed.message.includes('synced.py')];
  session.open(uri, CODE);
  seen.again = (await shown(session, uri, 0)).includes('return sum(prices)');

  const cell = `${ROOT.replace('file:', 'vscode-notebook-cell:')}/book.ipynb#W0`;
  const notebook = { uri: `${ROOT}/book.ipynb`, version: 1 };
  const item = (name, text) => ({ uri: `${cell}${name}`, languageId: 'python', version: 1, text });
  session.tell('notebookDocument/didOpen', {
    notebookDocument: { ...notebook, notebookType: 'jupyter-notebook', cells: [{ kind: 2, document: `${cell}a` }] },
    cellTextDocuments: [item('a', CODE)],
  });
  seen.cell = (await shown(session, `${cell}a`, 0)).includes('def total');
  session.tell('notebookDocument/didChange', {
    notebookDocument: { ...notebook, version: 2 },
    change: { cells: {
      structure: {
        array: { start: 1, deleteCount: 0, cells: [{ kind: 2, document: `${cell}b` }] },
        didOpen: [item('b', CODE.replace('total', 'tally'))],
      },
      textContent: [{ document: { uri: `${cell}a`, version: 2 }, changes: [{ text: CODE.replace('total', 'bill') }] }],
    } },
  });
  seen.cells = [(await shown(session, `${cell}a`, 0)).includes('def bill'),
    (await shown(session, `${cell}b`, 0)).includes('def tally')];
  session.tell('notebookDocument/didClose', {
    notebookDocument: { uri: notebook.uri }, cellTextDocuments: [{ uri: `${cell}a` }, { uri: `${cell}b` }],
  });
  seen.closedCell = (await session.failure('aiex/explain', { textDocument: { uri: `${cell}a` } })).code;
  for (const [method, params] of [
    ['$/setTrace', { value: 'verbose' }],
    ['workspace/didChangeWatchedFiles', { changes: [{ uri: `${ROOT}/.aiex.toml`, type: 1 }] }],
    ['workspace/didChangeWorkspaceFolders', { event: { added: [{ uri: `${ROOT}/tests`, name: 'tests' }], removed: [] } }],
    ['workspace/didChangeWorkspaceFolders', { event: { added: [], removed: [{ uri: `${ROOT}/tests`, name: 'tests' }] } }],
  ]) session.tell(method, params);
  seen.alive = (await session.ask('aiex/providers', {})).length > 0;
  session.raw('Content-Length: 500\r\n\r\n{"jsonrpc"');
  session.child.stdin.end(); // in the midst of a message
  seen.code = await within('end', session.exit);
  return seen;
}

/** Return whether hovers follow settings that are asked for, and those a client sends. */
export async function settings() {
  const seen = {};
  for (const pulled of [true, false]) {
    const session = new Session();
    const capabilities = pulled
      ? { workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: true } } }
      : {};
    session.settings = { hover: { mode: 'off' } };
    await session.initialize(capabilities);
    const tell = (settings) => session.tell('workspace/didChangeConfiguration', { settings });
    if (!pulled) tell({ aiex: session.settings });
    const uri = session.open(`${ROOT}/settings.py`, CODE);
    const hovered = async (wanted) => {
      for (;;) { // settings come when they come; `ask` has a limit, and so has whoever runs this
        const hover = await session.ask('textDocument/hover', { textDocument: { uri }, position: place(0, 5) });
        if ((hover !== null) === wanted) return true;
      }
    };
    const off = await hovered(false);
    session.settings = { hover: { mode: 'on' } };
    tell(pulled ? null : { aiex: session.settings });
    seen[pulled ? 'pulled' : 'pushed'] = [off, await hovered(true), (await session.end()).code];
  }
  return seen;
}

/** Run every method as a command that waits; return what is wrong with the answers. */
export async function commands() {
  const session = new Session();
  const { capabilities } = await session.initialize();
  const text = readFileSync(new URL(process.env.AIEX_SOURCE), 'utf8');
  const range = { start: place(5, 4), end: place(5, 22) };
  const diagnostic = { range, message: 'wrong', severity: 1 };
  const here = (name) => ({
    textDocument: { uri: session.open(`${ROOT}/for_${name}.py`, text) }, position: place(3, 5),
  });
  const first = await session.command('aiex/explain', { ...here('first'), wait: true });
  const tasks = {
    'aiex/explain': {}, 'aiex/analyze': {}, 'aiex/generateTests': {}, 'aiex/document': {},
    'aiex/refactor': {}, 'aiex/fix': { diagnostic }, 'aiex/run': { template: 'explain' },
    'aiex/followUp': { answerId: first.answer.id, question: 'Why?' },
  };
  const others = {
    'aiex/renderPrompt': { ...here('prompt'), task: 'fix', diagnostic },
    'aiex/cancel': { id: 'nothing' },
    'aiex/resetCircuit': { provider: 'desk' },
  };
  const seen = { wrong: {}, applied: {}, templates: {} };
  for (const name of capabilities.executeCommandProvider.commands) {
    const argument = tasks[name]
      ? { ...here(name.slice(5)), ...tasks[name], wait: true }
      : others[name] ?? {};
    const result = await session.command(name, argument);
    const wrong = RESULTS[name](result);
    if (wrong.length) seen.wrong[name] = wrong;
    if (result && 'applied' in result) seen.applied[name] = result.applied;
  }
  const where = here('templates');
  for (const { id, responseType, variables } of await session.ask('aiex/templates', {})) {
    const asked = Object.fromEntries(variables.filter((one) => one.required && !one.inject)
      .map((one) => [one.name, one.enum?.[0] ?? 'x']));
    const run = await session.failure('aiex/run', { ...where, template: id, variables: asked });
    seen.templates[id] = [responseType, run.code, Object.keys(run.result ?? {}).sort()];
  }
  seen.code = (await session.end()).code;
  return seen;
}

// An independent client, and what it saw: JSON in $AIEX_SEEN.
import { readFileSync } from 'node:fs';
import { anEditor, broken, early, impolite, orphaned } from './ends.mjs';
import { errors } from './errors.mjs';
import { Session, everything, lsp, tell } from './session.mjs';
import { ANSWERS, RESULTS, disorder, faults } from './shapes.mjs';

const FILE = process.env.AIEX_SOURCE;
const ROOT = process.env.AIEX_ROOT;
const TEXT = readFileSync(new URL(FILE), 'utf8').replaceAll('\n', '\r\n');
const SLOW = `${ROOT}/slow.py`;
const JS = 'const s = "😀é"; function total(a) { return a }\n';

/** Ask everything once, with documents of CRLF and characters outside the BMP. */
async function shapes(session) {
  const seen = { wrong: {}, results: {} };
  const document = session.documents.get(FILE);
  const position = document.positionAt(TEXT.indexOf('total('));
  const start = document.positionAt(TEXT.indexOf('return sum'));
  const range = { start, end: document.positionAt(TEXT.indexOf('  # 😀 total')) };
  const here = { textDocument: { uri: FILE }, position };
  const diagnostic = { range, message: 'wrong order', severity: 2, source: 'lint', code: 'W1' };

  async function ask(method, params, shape = RESULTS[method]) {
    const result = await session.ask(method, params);
    seen.results[method] = result;
    const wrong = shape(result);
    if (wrong.length) seen.wrong[method] = wrong;
    return result;
  }

  await ask('aiex/renderPrompt', { ...here, task: 'explain' }); // it waits for all that starts
  await ask('textDocument/codeAction', {
    textDocument: { uri: FILE }, range: { start: position, end: position },
    context: { diagnostics: [diagnostic], triggerKind: 1 },
  }, ANSWERS['textDocument/codeAction']);
  await ask('textDocument/hover', here, ANSWERS['textDocument/hover']);
  const explained = await ask('aiex/explain', {
    ...here, workDoneToken: 'explain', partialResultToken: 'deltas',
  });
  seen.deltas = session.progress('deltas').map((value) => value.delta).join('');
  seen.progress = session.progress('explain').map((value) => value.kind);
  await ask('aiex/followUp', { answerId: explained.answer.id, question: 'Why?' });
  await ask('aiex/analyze', { textDocument: { uri: FILE } });
  const published = await session.until('findings', () =>
    session.sent('textDocument/publishDiagnostics').find((one) => one.diagnostics.length));
  seen.finding = document.getText(published.diagnostics[0].range);
  await ask('aiex/clearFindings', {});
  await ask('aiex/generateTests', here);
  await ask('aiex/document', here);
  await ask('aiex/refactor', { ...here, instruction: 'shorter' });
  await ask('aiex/fix', { textDocument: { uri: FILE }, diagnostic });
  await ask('aiex/run', { ...here, template: 'explain' });
  await ask('aiex/cancel', { id: 'nothing' });
  for (const name of ['templates', 'providers', 'checkHealth', 'models', 'clusterHealth', 'usage',
    'diagnoseConfig', 'pause']) {
    await ask(`aiex/${name}`, {});
  }
  await ask('aiex/resetCircuit', { provider: 'desk' });
  await ask('aiex/selectProvider', { provider: 'desk', model: 'gpt-older' });
  await ask('aiex/selectProvider', { provider: null, model: null, strategy: null });
  seen.asked = Object.keys(seen.results);

  const many = Array.from({ length: 24 }, (_, i) => [
    ['aiex/explain', here], ['textDocument/hover', here], ['aiex/providers', {}],
    ['aiex/renderPrompt', { ...here, task: 'explain' }],
  ][i % 4]);
  const answers = await Promise.all(many.map(([method, params]) => session.ask(method, params)));
  seen.concurrent = many.map(([method], i) =>
    (RESULTS[method] ?? ANSWERS[method])(answers[i]).length);
  return seen;
}

/** Run a command that edits, as its code action does. */
async function edits(session) {
  const document = session.documents.get(FILE);
  const position = document.positionAt(TEXT.indexOf('total('));
  const began = Date.now();
  const accepted = await session.command('aiex/refactor', { textDocument: { uri: FILE }, position });
  const seen = { accepted, acceptedMs: Date.now() - began };
  await session.until('an edit', () => session.documents.get(FILE).version > 1);
  await session.until('its end', () => session.progress(accepted.accepted).at(-1)?.kind === 'end');
  seen.edit = session.sent('workspace/applyEdit').at(-1).edit;
  seen.text = session.documents.get(FILE).getText();
  seen.progress = session.progress(accepted.accepted).map((value) => value.kind);
  const waited = await session.command('aiex/explain', {
    textDocument: { uri: FILE }, position, wait: true,
  });
  await session.command('aiex/explain', { textDocument: { uri: FILE }, position });
  await session.until('a view', () => session.sent('aiex/showMarkdown').some((one) => one.final));
  seen.waited = RESULTS['aiex/explain'](waited);
  return seen;
}

/** Cancel a request, and commands, whose model falls silent after its first word. */
async function cancels(session) {
  const here = { textDocument: { uri: SLOW }, position: { line: 0, character: 5 } };
  session.open(SLOW, 'def never_answers(a):\n    return a\n');
  const source = new lsp.CancellationTokenSource();
  const tokens = { workDoneToken: 'slow', partialResultToken: 'slow deltas' };
  const running = session.failure('aiex/explain', { ...here, ...tokens }, source.token);
  await session.until('a word', () => session.progress('slow deltas').length);
  const began = Date.now();
  source.cancel();
  const seen = { error: await running, ms: Date.now() - began };
  seen.progress = session.progress('slow').map((value) => value.kind);

  const ended = (id) => session.until('its end', () => session.progress(id).at(-1)?.kind === 'end');
  async function begun() {
    const { accepted } = await session.command('aiex/explain', here);
    await session.until('a view', () => session.sent('aiex/showMarkdown').some((v) => v.id === accepted));
    return accepted;
  }
  const first = await begun();
  session.tell('window/workDoneProgress/cancel', { token: first });
  await ended(first);
  seen.commandProgress = session.progress(first).map((value) => value.kind);
  seen.view = await session.until('the last view', () =>
    session.sent('aiex/showMarkdown').find((one) => one.id === first && one.final));

  const second = await begun();
  seen.byId = await session.ask('aiex/cancel', { id: second });
  await ended(second);
  return seen;
}

/** Shut down while a model is waited for. */
async function shutdown(session) {
  const here = { textDocument: { uri: SLOW }, position: { line: 0, character: 5 } };
  const running = session.failure('aiex/explain', { ...here, partialResultToken: 'last' });
  await session.command('aiex/analyze', here);
  await session.until('a word', () => session.progress('last').length);
  const seen = { answer: await session.ask('shutdown'), running: await running };
  seen.after = await session.failure('aiex/providers', {});
  session.tell('exit');
  seen.code = await session.exit;
  return seen;
}

const width = {
  'utf-8': (text) => Buffer.byteLength(text),
  'utf-16': (text) => text.length,
  'utf-32': (text) => [...text].length,
};

/** Return what the server takes for the symbol in a line with wide characters before it. */
async function encoding(name, leave, processId) {
  const session = new Session();
  const info = await session.initialize(everything([name, 'utf-16']), processId);
  const uri = session.open(`${ROOT}/wide.js`, JS, 'javascript');
  const place = { line: 0, character: width[name](JS.slice(0, JS.indexOf('total'))) };
  await session.ask('aiex/renderPrompt', { // it waits for all that starts
    textDocument: { uri }, position: place, task: 'explain',
  });
  const actions = await session.ask('textDocument/codeAction', {
    textDocument: { uri }, range: { start: place, end: place },
    context: { diagnostics: [], triggerKind: 1 },
  });
  const { range } = actions[0].command.arguments[0];
  const at = (column) => {
    for (let i = 0; i <= JS.length; i += 1) if (width[name](JS.slice(0, i)) === column) return i;
    return -1;
  };
  return {
    chosen: info.capabilities.positionEncoding,
    title: actions[0].title,
    code: JS.slice(at(range.start.character), at(range.end.character)),
    left: await leave(session),
  };
}

/** A client that declares nothing. */
async function bare() {
  const session = new Session();
  const info = await session.initialize({});
  session.open(FILE, TEXT);
  const position = { line: 3, character: 4 };
  const actions = await session.ask('textDocument/codeAction', {
    textDocument: { uri: FILE }, range: { start: position, end: position },
    context: { diagnostics: [] },
  });
  const hover = await session.ask('textDocument/hover', { textDocument: { uri: FILE }, position });
  await session.command('aiex/refactor', { textDocument: { uri: FILE }, position, wait: true });
  const { code } = await session.end();
  return {
    code, encoding: info.capabilities.positionEncoding,
    commands: actions.every((one) => lsp.Command.is(one) && typeof one.command === 'string'),
    hover: hover.contents.kind,
    asked: session.messages.filter((m) => m.method && 'id' in m).map((m) => m.method),
    told: [...new Set(session.messages.filter((m) => m.method && !('id' in m)).map((m) => m.method))],
  };
}

async function main() {
  const seen = {};
  const session = new Session();
  seen.initialize = await session.initialize();
  session.open(FILE, TEXT);
  seen.shapes = await shapes(session);
  seen.edits = await edits(session);
  seen.errors = await errors(session, FILE);
  seen.cancels = await cancels(session);
  seen.shutdown = await shutdown(session);
  seen.registered = session.sent('client/registerCapability').flatMap((one) => one.registrations);
  seen.faults = faults(session.messages);
  seen.disorder = disorder(session.messages);
  seen.methods = [...new Set(session.messages.map((one) => one.method).filter(Boolean))];
  const editor = anEditor();
  const [utf8, utf16, utf32] = await Promise.all([
    encoding('utf-8', impolite),
    encoding('utf-16', broken),
    encoding('utf-32', (left) => orphaned(left, editor), editor.pid),
  ]);
  seen.encodings = { 'utf-8': utf8, 'utf-16': utf16, 'utf-32': utf32 };
  seen.bare = await bare();
  seen.early = await early();
  return seen;
}

await tell(main);

// Much at once, and clients that do not do their part.
import { Session, lsp, within } from './session.mjs';
import { ANSWERS, RESULTS } from './shapes.mjs';

const ROOT = process.env.AIEX_ROOT;
const CODE = 'def total(prices):\n    return sum(prices)\n';
const at = (uri, line = 0) => ({ textDocument: { uri }, position: { line, character: 5 } });
const range = (line, character) => ({ start: { line, character }, end: { line, character } });

/** Return how many of 500 requests that were sent at once were answered rightly. */
export async function burst() {
  const session = new Session();
  await session.initialize();
  const uri = session.open(`${ROOT}/burst.py`, CODE);
  const context = { diagnostics: [], triggerKind: 1 };
  const kinds = [
    ['aiex/explain', at(uri)], ['textDocument/hover', at(uri)], ['aiex/providers', {}],
    ['textDocument/codeAction', { textDocument: { uri }, range: range(0, 5), context }],
    ['aiex/renderPrompt', { ...at(uri), task: 'explain' }],
  ];
  const asked = Array.from({ length: 500 }, (_, i) => kinds[i % kinds.length]);
  const answers = await Promise.all(asked.map(([method, params]) => session.ask(method, params)));
  const right = asked.filter(([method], i) =>
    (RESULTS[method] ?? ANSWERS[method])(answers[i]).length === 0).length;
  return { right, code: (await session.end()).code };
}

/** Return what becomes of a document of ten megabytes that is edited at its end. */
export async function big() {
  const session = new Session();
  await session.initialize();
  const row = `    "${'0123456789'.repeat(99)} Ünïcödé 😀",\n`;
  const rows = Math.ceil(10_000_000 / Buffer.byteLength(row));
  const text = `DATA = [\n${row.repeat(rows)}]\n\n\n${CODE}`;
  const line = text.split('\n').length - 3;
  const uri = session.open(`${ROOT}/big.py`, text);
  const change = { range: range(line, 9), text: 'ly' };
  session.tell('textDocument/didChange', {
    textDocument: { uri, version: 2 }, contentChanges: [change, change, change, change],
  });
  const began = Date.now();
  await session.ask('aiex/providers', {});
  const aliveMs = Date.now() - began;
  const context = { diagnostics: [], triggerKind: 1 };
  const place = { textDocument: { uri }, range: range(line, 5), context };
  let actions = [];
  while (!actions[0]?.title.includes('totallylylyly')) { // the first parse takes its time
    actions = await session.ask('textDocument/codeAction', place);
  }
  const explained = await session.ask('aiex/explain', at(uri, line));
  return {
    bytes: Buffer.byteLength(text), aliveMs, title: actions[0].title,
    wrong: RESULTS['aiex/explain'](explained), code: (await session.end()).code,
  };
}

/** Return what a client sees that declares all, answers nothing, and reads no standard error. */
export async function silent() {
  const environment = { AIEX_LOG_LEVEL: 'DEBUG' };
  const session = new Session({ silent: true, stderr: 'pipe', environment });
  await session.initialize();
  const seen = {};
  for (let i = 0; i < 2000; i += 1) session.tell('textDocument/didOpen', { textDocument: { uri: i } });
  const [first, second] = ['first', 'second'].map((name) => session.open(`${ROOT}/${name}.py`, CODE));
  seen.hover = ANSWERS['textDocument/hover'](await session.ask('textDocument/hover', at(first)));
  seen.request = RESULTS['aiex/explain'](
    await session.ask('aiex/explain', { ...at(first), workDoneToken: 'w' }));
  const { accepted } = await session.command('aiex/explain', at(first));
  await session.until('a view', () =>
    session.sent('aiex/showMarkdown').some((one) => one.id === accepted && one.final));
  for (const uri of [first, second]) await session.command('aiex/refactor', at(uri));
  await session.until('edits', () => session.sent('workspace/applyEdit').length === 2);
  seen.asked = [...new Set(session.messages.filter((m) => m.method && 'id' in m).map((m) => m.method))];
  const began = Date.now();
  seen.code = (await session.end()).code;
  seen.endMs = Date.now() - began;
  return seen;
}

/** Cancel work at each of its stages: each is answered with the code returned for it. */
export async function cancelled() {
  const session = new Session();
  await session.initialize();
  const uri = session.open(`${ROOT}/slow.py`, 'def never_answers(a):\n    return a\n');
  await session.ask('aiex/renderPrompt', { ...at(uri), task: 'explain' });

  async function stopped(method, params, when) {
    const source = new lsp.CancellationTokenSource();
    const answer = session.failure(method, params, source.token);
    if (when) await session.until(when, () => session.progress(when).length);
    source.cancel();
    return (await within(method, answer)).code;
  }
  const seen = { 'at once': await stopped('aiex/explain', at(uri)) };
  seen['progress has begun'] = await stopped('aiex/explain', { ...at(uri), workDoneToken: 7 }, 7);
  seen['text has come'] = await stopped('aiex/explain', { ...at(uri), partialResultToken: 't' }, 't');
  seen['a hover'] = await stopped('textDocument/hover', at(uri));
  const waits = (token) => ({
    command: 'aiex/explain', arguments: [{ ...at(uri), wait: true, partialResultToken: token }],
    workDoneToken: `of ${token}`,
  });
  seen['a command at once'] = await stopped('workspace/executeCommand', waits('c'));
  seen['a command with text'] = await stopped('workspace/executeCommand', waits('d'), 'd');
  for (const id of [1, 'nothing', -1]) session.tell('$/cancelRequest', { id });
  const ended = session.progress(7).map((value) => value.kind);
  const ofCommand = session.progress('of d').map((value) => value.kind);
  return { codes: seen, ended, ofCommand, code: (await session.end()).code };
}

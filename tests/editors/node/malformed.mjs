// What no client sends: broken JSON, broken frames, messages that are none.
import { Session, within } from './session.mjs';

const frame = (body) =>
  Buffer.concat([Buffer.from(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`), Buffer.from(body)]);

/** Bodies, and the code each is refused with; null where it is taken for a stray answer. */
const BODIES = [
  ['{"jsonrpc": "2.0", "id": 1,', -32700],
  [Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), -32700],
  ['', -32700],
  ['['.repeat(200_000), -32700],
  ['[]', -32600],
  ['[{"jsonrpc": "2.0", "id": 1, "method": "aiex/providers"}]', -32600],
  ['null', -32600],
  ['5', -32600],
  ['{"id": 1, "method": "aiex/providers"}', -32600],
  ['{"jsonrpc": "1.0", "id": 1, "method": "aiex/providers"}', -32600],
  ['{"jsonrpc": "2.0", "id": {}, "method": "aiex/providers"}', -32600],
  ['{"jsonrpc": "2.0", "id": [1], "method": "aiex/providers"}', -32600],
  ['{"jsonrpc": "2.0", "method": {}}', -32600],
  ['{"jsonrpc": "2.0", "id": "aiex-9999", "result": null}', null],
  ['{"jsonrpc": "2.0", "id": null, "error": {"code": "?", "message": 5}}', null],
  ['{"jsonrpc": "2.0", "id": {"a": 1}, "result": []}', null],
  ['{"jsonrpc": "2.0"}', null],
  ['{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": 5}', null],
  ['{"jsonrpc": "2.0", "method": "textDocument/didChange"}', null],
  ['{"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": []}}', null],
  ['{"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 12345}}', null],
  ['{"jsonrpc": "2.0", "method": "$/somethingNew", "params": {}}', null],
  ['{"jsonrpc": "2.0", "method": "window/workDoneProgress/cancel", "params": {"token": {}}}', null],
];

/** Return what was refused of the bodies, and whether a request after each kind is answered. */
export async function malformed() {
  const session = new Session();
  await session.initialize();
  const alive = async () => (await session.ask('aiex/providers', {})).length > 0;
  const refused = () => session.messages.filter((one) => !one.method && one.id === null);
  await alive();
  const seen = { wrong: [] };
  for (const [body, expected] of BODIES) {
    const before = refused().length;
    session.raw(frame(body));
    if (!(await alive())) seen.wrong.push('no answer');
    const codes = refused().slice(before).map((one) => one.error.code);
    const right = expected === null ? codes.length === 0 : codes.length === 1 && codes[0] === expected;
    if (!right) seen.wrong.push([String(body).slice(0, 60), codes]);
  }
  session.raw(frame('{"jsonrpc": "2.0", "id": "strange", "method": []}'));
  const strange = await session.until('an answer', () => session.messages.find((m) => m.id === 'strange'));
  seen.strange = strange.error.code;

  const asked = '{"jsonrpc": "2.0", "id": "odd", "method": "aiex/templates"}';
  session.raw(`content-type: application/x; charset=utf8\r\ncontent-length:${asked.length}\r\n\r\n`, asked);
  await session.until('an answer', () => session.messages.find((m) => m.id === 'odd' && m.result));
  session.raw('Content-Length: 10\r\n\r\n{"jsonrpc": "2.0", "id": 1, "method": "too/long"}');
  seen.afterShort = await alive();
  session.raw('Content-Length: none\r\n\r\n{"jsonrpc": "2.0", "method": "no/length"}');
  seen.afterNone = await alive();
  await session.ask('shutdown');
  session.child.stdin.end(); // without `exit`
  seen.code = await within('end', session.exit);
  return seen;
}

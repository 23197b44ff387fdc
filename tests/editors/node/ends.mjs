// How a server ends when its client does not say goodbye.
import { spawn } from 'node:child_process';
import { Session, within } from './session.mjs';

/** Return the exit status after `exit` without `shutdown`. */
export async function impolite(session) {
  session.tell('exit');
  return within('exit', session.exit);
}

/** Return true when the server has ended whose client's pipes broke. */
export async function broken(session) {
  session.child.stdin.destroy();
  session.child.stdout.destroy();
  await within('end', session.exit);
  return true;
}

/** Return a process to be taken for the editor. */
export function anEditor() {
  return spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
}

/** Return true when the server has ended whose editor died while its pipes were held open. */
export async function orphaned(session, editor) {
  editor.kill('SIGKILL');
  await within('end', session.exit);
  return true;
}

/** Return the answer to a request before `initialize`, and the exit status after `exit`. */
export async function early() {
  const session = new Session();
  const refused = await session.failure('aiex/providers', {});
  session.tell('exit');
  return { refused, code: await within('exit', session.exit) };
}

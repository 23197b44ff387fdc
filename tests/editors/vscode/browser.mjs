// A browser before VS Code, and the line to the test that drives it.
import { createRequire } from 'node:module';
import readline from 'node:readline';

const { chromium } = createRequire(process.env.AIEX_PLAYWRIGHT)('playwright-core');

export const given = JSON.parse(process.env.AIEX_GIVEN);
export const LIMIT = Number(process.env.AIEX_LIMIT ?? 15000);

const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Returns what the test's own side answers; only it can stop a provider. */
export async function ask(what, ...args) {
  console.log(JSON.stringify({ ask: what, arguments: args }));
  return JSON.parse((await answers.next()).value).answer;
}

/** Resolves with the first value of `condition` that is true; says what it waited for. */
export async function until(what, condition, limit = LIMIT) {
  const end = Date.now() + limit;
  let last;
  for (;;) {
    try {
      const found = await condition();
      if (found) return found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`waited for ${what}${last ? `: ${last.message}` : ''}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

/** Returns a browser and its context; the browser keeps what VS Code stores, as a user's does. */
export async function start() {
  const browser = await chromium.launch({
    executablePath: process.env.AIEX_CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      // Nothing but this machine has a name or an address.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
  });
  const foreign = [];
  context.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    // A webview's own files have addresses that its service worker answers.
    const here = hostname === '127.0.0.1' || hostname.endsWith('.vscode-resource.vscode-cdn.net');
    if (/^(http|ws)/.test(protocol) && !here) foreign.push(request.url());
  });
  return { browser, context, foreign };
}

// A day at VS Code: a folder that nobody trusts yet, then all that aiex offers in it.
import fs from 'node:fs';
import { ask, given, start, until } from './browser.mjs';
import { edits } from './edits.mjs';
import { status } from './status.mjs';
import { texts } from './texts.mjs';
import { Window } from './window.mjs';

const { browser, context, foreign } = await start();
const code = await Window.open(context, given.project);

await code.step('untrusted', async () => {
  await code.file('prices.py');
  await code.atTotal();
  const actions = await code.noActions();
  const titles = await code.commands('aiex');
  return { actions, titles, label: await code.statusLabel(), servers: await ask('servers') };
});

await code.step('trusted', async () => {
  await code.trust();
  await code.file('prices.py');
  await until('a healthy status', async () => /desk/.test(await code.statusLabel()));
  return { label: await code.statusLabel(), text: await code.status().innerText(), servers: await ask('servers') };
});

await texts(code);
await edits(code);
await status(code);
await code.page.close();

const both = await Window.open(context, given.workspace);
await both.step('two folders', async () => {
  await both.trust();
  await both.command('aiex API tests: Run');
  await until('the API tests', () => fs.existsSync(given.api), 40000);
  const seen = JSON.parse(fs.readFileSync(given.api, 'utf8'));
  for (const [name, one] of Object.entries(seen)) console.log(JSON.stringify({ step: `api ${name}`, ...one }));
});

console.log(JSON.stringify({ step: 'foreign', saw: foreign }));
await browser.close();
process.exit(0);

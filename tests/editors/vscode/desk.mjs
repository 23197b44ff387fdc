// A day at VS Code: a folder that nobody trusts yet, then all that aiex offers in it.
import fs from 'node:fs';
import { ask, given, start, until } from './browser.mjs';
import { edits } from './edits.mjs';
import { several } from './several.mjs';
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
  const steps = await code.walkthrough();
  return { actions, titles, steps, label: await code.statusLabel(), servers: await ask('servers') };
});

await code.step('trusted', async () => {
  await code.trust();
  await code.file('prices.py');
  await until('a healthy status', async () => /desk/.test(await code.statusLabel()));
  return { label: await code.statusLabel(), text: await code.status().innerText(), servers: await ask('servers') };
});

await texts(code);
await edits(code);
await several(code);
await status(code);
await code.page.close();

const before = (await ask('servers')).length;
const both = await Window.open(context, given.workspace);

/** Runs a command of the API tests and prints what each of its looks saw. */
async function looks(command, path) {
  await both.command(`aiex API tests: ${command}`);
  await until('the API tests', () => fs.existsSync(path), 90000);
  const seen = JSON.parse(fs.readFileSync(path, 'utf8'));
  for (const [name, one] of Object.entries(seen)) console.log(JSON.stringify({ step: `api ${name}`, ...one }));
}

await both.step('two folders', async () => {
  await both.trust();
  await looks('Run', given.api);
  return (await ask('servers')).length - before;
});

await both.step('beside another', async () => {
  // The model takes ten seconds for whatever is hovered.
  for (let times = 0; times < 4; times += 1) await ask('say', 'desk', 'Slowly said.', 10);
  await looks('Beside Another', `${given.api}.beside`);
});

await both.step('hovers above one another', async () => {
  const box = both.page.locator('.monaco-hover:visible').first();

  /** Returns what a hover says when both are in it, in their order on the screen. */
  const hovered = () => until('both hovers', async () => {
    await both.press('Escape');
    await both.go('till.py', 1, 5);
    await both.press('Control+k', 'Control+i');
    await box.getByText('other: a function').first().waitFor({ timeout: 2000 });
    const text = await box.innerText();
    // What the model says slowly may be on its way, or there by now.
    return /explain|Slowly/i.test(text) && text;
  });
  await both.command('aiex API tests: Register Another');
  const after = await hovered();
  await both.picture('beside');
  const servers = (await ask('servers')).length;
  await both.command('aiex: Restart');
  await until('the next server', async () => (await ask('servers')).length > servers);
  return { after, before: await hovered() };
});

await both.step('another Python selected', async () => {
  const servers = (await ask('servers')).length;
  await both.command('Python tests: Select');
  const now = await until('its server', async () => {
    const found = await ask('servers');
    return found.length > servers && found;
  });
  await until('it runs', async () => /desk|spare/.test(await both.statusLabel()));
  return now.map((one) => one.origin);
});

await both.page.close();

await both.step('virtual', async () => {
  const servers = (await ask('servers')).length;
  const virtual = await Window.open(context, 'memory:/');
  await virtual.page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'prices.py' }).dblclick();
  await virtual.editor('prices.py').locator('.view-line').first().waitFor();
  const titles = await virtual.commands('aiex');
  await virtual.command('Extensions: Show Installed Extensions');
  await virtual.page.locator('.extension-list-item', { hasText: 'Explain, review' }).first().click();
  const told = virtual.page.locator('.extension-editor', { hasText: 'on none' }).first();
  await told.waitFor();
  await virtual.picture('virtual');
  return {
    titles,
    told: await told.innerText(),
    items: await virtual.status().count(),
    servers: (await ask('servers')).length - servers,
  };
});

console.log(JSON.stringify({ step: 'foreign', saw: foreign }));
await browser.close();
process.exit(0);

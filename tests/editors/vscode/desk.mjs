// A day at VS Code: a folder that nobody trusts yet, then all that aiex offers in it.
import fs from 'node:fs';
import { ask, given, start, until, Window } from './browser.mjs';

const { browser, context, foreign } = await start();
const { project } = given;
const source = `${project}/prices.py`;
const disk = () => fs.readFileSync(source, 'utf8');

const code = await Window.open(context, project);
const { page } = code;

/** Puts the cursor on `total` of the source, the keyboard with it. */
async function atTotal() {
  await code.go('prices.py', 4, 5);
}

/** Takes the last edit back by one Ctrl+Z and saves; returns whether the file is as before. */
async function undone(before) {
  await atTotal();
  await code.press('Control+z', 'Control+s');
  await until('the undone text on disk', () => disk() === before);
  return true;
}

/** Waits for what shows a change before it is made: a diff of one file, a list of several. */
async function preview() {
  const diff = page.locator('.monaco-diff-editor').first();
  const list = page.locator('.bulk-edit-panel').first();
  return until('a preview', async () => {
    if (await diff.isVisible()) return { kind: 'diff', shown: diff };
    if (await list.isVisible()) return { kind: 'list', shown: list };
    return undefined;
  });
}

/** Clicks `Apply` or `Discard` of the preview; returns what it showed. */
async function decide(what, picture) {
  const { kind, shown } = await preview();
  for (const box of await shown.locator('.edit-checkbox').all()) {
    if (what === 'Apply' && !(await box.isChecked())) await box.check();
  }
  const title = await page.locator('.tabs-container .tab.active').allInnerTexts();
  if (picture) await code.picture(picture);
  const button = kind === 'list'
    ? page.getByRole('button', { name: what, exact: true }).last()
    : page.locator(`.editor-actions [aria-label^="${what}"]`).first();
  await button.click();
  await shown.waitFor({ state: 'hidden' });
  return { kind, title };
}

/** Saves and returns the source once it has some text. */
async function saved(part) {
  await until(`${part} in the editor`, async () => (await code.text('prices.py')).includes(part));
  await atTotal();
  await code.press('Control+s');
  await until(`${part} on disk`, () => disk().includes(part));
  return disk();
}

await code.step('untrusted', async () => {
  await code.file('prices.py');
  await atTotal();
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

await code.step('actions', async () => {
  await atTotal();
  // A template of the workspace is there when its folder has been read.
  return until('the template too', async () => {
    const titles = await (await code.codeActions()).allInnerTexts();
    await code.picture('actions');
    await code.press('Escape');
    return titles.some((one) => one.startsWith('Write a haiku')) && titles;
  });
});

await code.step('explained by menu', async () => {
  await atTotal();
  await code.codeAction('Explain `total`');
  await until('the end of the answer', async () => /rounded/.test(await code.answerText()) && (await code.meta()));
  await code.picture('explain');
  return { text: await code.answerText(), meta: await code.meta(), focused: await code.focused() };
});

await code.step('followed up', async () => {
  const frame = await code.answer();
  await frame.locator('#followup').fill('Why is nothing rounded?');
  await frame.locator('#ask').click();
  await until('the second answer', async () => /Because nobody/.test(await code.answerText()));
  await code.picture('followup');
  return code.answerText();
});

await code.step('explained by keyboard', async () => {
  await atTotal();
  const before = await ask('requests', 'aiex/explain');
  if (!given.keys['aiex.explain']) throw new Error('aiex.explain has no key');
  await code.press(...given.keys['aiex.explain']);
  await until('the request', async () => (await ask('requests', 'aiex/explain')) > before);
  return code.answerText();
});

await code.step('explained by context menu', async () => {
  await atTotal();
  const before = await ask('requests', 'aiex/explain');
  await code.editor('prices.py').locator('.view-line', { hasText: 'def total' }).click({ button: 'right' });
  const menu = page.locator('.context-view .monaco-menu, .monaco-menu').last();
  await menu.waitFor();
  const first = await menu.innerText();
  await code.picture('context-menu');
  await page.locator('.monaco-menu .action-item', { hasText: 'aiex' }).last().hover();
  await page.locator('.monaco-menu .action-item', { hasText: 'Explain' }).last().click();
  await until('the request', async () => (await ask('requests', 'aiex/explain')) > before);
  return first;
});

await code.step('streamed and cancelled', async () => {
  await code.file('till.py');
  await code.go('till.py', 1, 5);
  await ask('slow', 'desk');
  await code.command('aiex: Explain');
  const frame = await code.answer();
  await until('the first words', async () => /word3/.test(await code.answerText()));
  const early = await code.answerText();
  await code.picture('streaming');
  await until('more words', async () => (await code.answerText()).length > early.length);
  const busy = await code.statusLabel();
  await frame.locator('#cancel').click();
  await until('a cut connection', () => ask('cut', 'desk'));
  await frame.locator('#cancel').waitFor({ state: 'hidden' });
  return { early, after: await code.answerText(), busy };
});

await code.step('reopened', async () => {
  await code.command('aiex: Earlier Answers');
  await until('answers', async () => (await code.offered()).some((one) => /Explain total/.test(one)));
  const offered = await code.offered();
  await code.pick('Explain total');
  await until('the answer', async () => /Adds up/.test(await code.answerText()));
  return { offered, text: await code.answerText() };
});

/** Returns what the hover over `total` says once it says a part. */
async function hover(part, picture) {
  const box = page.locator('.monaco-hover:visible').first();
  const text = await until(`a hover with ${part}`, async () => {
    await code.press('Escape');
    await atTotal();
    await code.press('Control+k', 'Control+i');
    await box.waitFor();
    return part.test(await box.innerText()) && box.innerText();
  });
  if (picture) await code.picture(picture);
  return text;
}

await code.step('hover with a link', async () => {
  const text = await hover(/Explain/);
  const before = await ask('requests', 'aiex/explain');
  await page.locator('.monaco-hover:visible a', { hasText: 'Explain' }).first().click();
  await until('the request', async () => (await ask('requests', 'aiex/explain')) > before);
  return text;
});

await code.step('hover', async () => {
  await code.settings({ 'aiex.hover.mode': 'on' });
  const text = await hover(/Sums prices/, 'hover');
  await code.settings({ 'aiex.hover.mode': null });
  return text;
});

await code.step('findings', async () => {
  await atTotal();
  await code.codeAction('Analyze `total` (general)');
  await until('a squiggle', async () => (await code.editor('prices.py').locator('.squiggly-warning').count()) > 0);
  const lens = code.editor('prices.py').locator('.codelens-decoration', { hasText: 'Fix with aiex' });
  await lens.first().waitFor();
  await code.picture('findings');
  return lens.first().innerText();
});

await code.step('fixed by lens', async () => {
  const before = disk();
  await code.editor('prices.py').locator('.codelens-decoration a', { hasText: 'Fix with aiex' }).first().click();
  const shown = await decide('Apply', 'fix');
  const after = await saved('max(discount, 0)');
  return { shown, after, undone: await undone(before) };
});

await code.step('findings cleared', async () => {
  await code.command('aiex: Clear Findings');
  await until('no squiggle', async () => (await code.editor('prices.py').locator('.squiggly-warning').count()) === 0);
});

await code.step('refactored', async () => {
  const before = disk();
  await atTotal();
  await code.codeAction('Refactor `total`');
  await code.giveInstruction('Put the discount first');
  const shown = await decide('Apply', 'refactor');
  const after = await saved('-discount + sum(prices)');
  return { shown, after, undone: await undone(before) };
});

await code.step('documented', async () => {
  const before = disk();
  await atTotal();
  await code.codeAction('Document `total`');
  await decide('Apply');
  const after = await saved('A discount of None');
  return { after, undone: await undone(before) };
});

await code.step('preview discarded', async () => {
  await atTotal();
  await code.codeAction('Refactor `total`');
  await code.giveInstruction('');
  await decide('Discard');
  return { text: await code.text('prices.py'), told: await code.notifications().allInnerTexts() };
});

await code.step('tests', async () => {
  await atTotal();
  await code.codeAction('Generate tests for `total`');
  await decide('Apply');
  await code.editor('tests/test_prices.py').waitFor();
  const text = await until('the tests', async () => {
    const now = await code.text('tests/test_prices.py');
    return now.includes('test_total_takes') && now;
  });
  const beside = await code.tab('prices.py').isVisible();
  await code.picture('tests');
  return { text, beside, groups: await page.locator('.editor-group-container').count() };
});

await code.step('own template', async () => {
  await atTotal();
  await code.codeAction('Write a haiku');
  await until('the haiku', async () => /falls like a leaf/.test(await code.answerText()));
  return code.answerText();
});

await code.step('code lens', async () => {
  await atTotal();
  const lens = code.editor('prices.py').locator('.codelens-decoration', { hasText: 'Explain' });
  const before = await lens.count();
  await code.settings({ 'aiex.codeLens': true });
  await lens.first().waitFor();
  const text = await lens.first().innerText();
  await code.picture('code-lens');
  await code.settings({ 'aiex.codeLens': null });
  await until('no lens', async () => (await lens.count()) === 0);
  return { before, text };
});

await code.step('tooltip', async () => {
  await code.status().hover();
  const hover = page.locator('.monaco-hover:visible, .workbench-hover:visible').last();
  await hover.waitFor();
  await until('the table', async () => /spare/.test(await hover.innerText()));
  const text = await hover.innerText();
  await code.picture('tooltip');
  await page.mouse.move(600, 300);
  return text;
});

await code.step('provider killed', async () => {
  const before = await code.statusColour();
  await ask('stop', 'desk');
  await code.command('aiex: Check Providers');
  await until('another colour', async () => (await code.statusColour()) !== before);
  await code.press('Escape');
  await code.picture('provider-killed');
  return { before, after: await code.statusColour(), label: await code.statusLabel() };
});

await code.step('switched', async () => {
  await code.status().click();
  await code.input().waitFor();
  const menu = await code.offered();
  await code.picture('menu');
  await code.pick('Provider');
  await until('the providers', async () => (await code.offered()).some((one) => /spare/.test(one)));
  await code.pick('spare');
  await until('the other name', async () => /spare/.test(await code.statusLabel()));
  await atTotal();
  await code.command('aiex: Explain');
  await until('its answer', async () => /Said by spare/.test(await code.answerText()));
  await ask('start', 'desk');
  return { menu, label: await code.statusLabel(), colour: await code.statusColour(), text: await code.answerText() };
});

await code.step('key kept', async () => {
  const servers = (await ask('servers')).length;
  await code.command('aiex: Set');
  await code.pick('anthropic');
  const box = code.input().locator('input').first();
  await until('the box', async () => (await box.getAttribute('type')) === 'password');
  await box.fill(given.secret);
  await code.press('Enter');
  await until('a server with the key', async () => {
    const now = await ask('servers');
    return now.length > servers && now.at(-1).environment.ANTHROPIC_API_KEY;
  });
  await until('it runs', async () => /desk|spare/.test(await code.statusLabel()));
});

await page.close();

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

// What a programmer changes: each change is looked at, made or discarded, and taken back.
import fs from 'node:fs';
import { ask, given, until } from './browser.mjs';

const disk = () => fs.readFileSync(`${given.project}/prices.py`, 'utf8');

/** Asks for changes, looks at them, makes or discards them, and takes them back. */
export async function edits(code) {
  const { page } = code;

  /** Takes the last edit back by one Ctrl+Z and saves; returns whether the file is as before. */
  async function undone(before) {
    await code.atTotal();
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
    await code.atTotal();
    await code.press('Control+s');
    return until(`${part} on disk`, () => {
      const now = disk();
      return now.includes(part) && now.endsWith('\n') && now;
    });
  }

  await code.step('findings', async () => {
    await code.atTotal();
    await code.codeAction('Analyze `total` (general)');
    await until('a squiggle', async () => (await code.editor('prices.py').locator('.squiggly-warning').count()) > 0);
    const lens = code.editor('prices.py').locator('.codelens-decoration', { hasText: 'Fix with aiex' });
    await lens.first().waitFor();
    await code.picture('findings');
    return lens.first().innerText();
  });

  await code.step('fix in the menu', async () => {
    await code.go('prices.py', 6, 12);
    await code.codeAction('Fix: No check of the discount');
    return decide('Discard');
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
    await code.atTotal();
    await code.codeAction('Refactor `total`');
    await code.giveInstruction('Put the discount first');
    const shown = await decide('Apply', 'refactor');
    const after = await saved('-discount + sum(prices)');
    return { shown, after, undone: await undone(before) };
  });

  await code.step('documented', async () => {
    const before = disk();
    await code.atTotal();
    await code.codeAction('Document `total`');
    await decide('Apply');
    const after = await saved('A discount of None');
    return { after, undone: await undone(before) };
  });

  await code.step('preview discarded', async () => {
    await code.atTotal();
    await code.codeAction('Refactor `total`');
    await code.giveInstruction('');
    await decide('Discard');
    return { text: await code.text('prices.py'), told: await code.notifications().allInnerTexts() };
  });

  await code.step('tests', async () => {
    await code.atTotal();
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

  await code.step('without confirmation', async () => {
    await code.settings({ 'aiex.edits.confirm': 'never' });
    const before = disk();
    await code.atTotal();
    await code.codeAction('Document `total`');
    await saved('A discount of None');
    const back = await undone(before);
    await code.settings({ 'aiex.edits.confirm': null });
    return back;
  });

  // The model thinks while the programmer changes the same lines.
  await code.step('overtaken', async () => {
    await code.atTotal();
    const before = await ask('asked', 'desk');
    await ask('say', 'desk', given.refactored, 2);
    await code.codeAction('Refactor `total`');
    await code.giveInstruction('Another way');
    await until('the model at work', async () => (await ask('asked', 'desk')) > before);
    await code.go('prices.py', 6, 12);
    await page.keyboard.insertText('1+');
    const message = code.notifications().filter({ hasText: 'changed' });
    await message.first().waitFor();
    const seen = { told: await message.first().innerText(), text: await code.text('prices.py') };
    await code.picture('overtaken');
    await code.command('Notifications: Clear All Notifications');
    await code.go('prices.py', 6, 12);
    await code.press('Control+z');
    await until('the old text', async () => (await code.text('prices.py')) === disk());
    return seen;
  });

  await code.step('by keyboard', async () => {
    const seen = {};
    for (const command of ['analyze', 'refactor', 'run', 'answers', 'menu']) {
      await code.atTotal();
      await code.press(...given.keys[`aiex.${command}`]);
      await code.input().locator('.quick-input-title').waitFor();
      seen[command] = await code.input().locator('.quick-input-title').innerText();
      await code.press('Escape');
      await code.input().waitFor({ state: 'hidden' });
    }
    await code.atTotal();
    await code.press(...given.keys['aiex.document']);
    seen.document = (await decide('Discard')).title[0];
    const before = await ask('requests', 'aiex/generateTests');
    await code.atTotal();
    await code.press(...given.keys['aiex.generateTests']);
    await until('the command', async () => (await ask('requests', 'aiex/generateTests')) > before);
    return seen;
  });
}

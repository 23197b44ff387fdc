// An edit of several files: looked at in VS Code's Refactor Preview, made whole or not at all.
import fs from 'node:fs';
import { ask, given, until } from './browser.mjs';

const FILES = ['prices.py', 'till.py'];
const disk = () => FILES.map((name) => fs.readFileSync(`${given.project}/${name}`, 'utf8'));

/** Asks twice for an edit of two files: nothing is ticked the first time, all the second. */
export async function several(code) {
  const { page } = code;
  const list = page.locator('.bulk-edit-panel').first();
  const boxes = list.locator('.edit-checkbox');
  const apply = page.getByRole('button', { name: 'Apply', exact: true }).last();
  let answers = 0;

  /** Returns what the preview lists, when it is shown. */
  async function previewed() {
    await code.file('prices.py');
    await code.atTotal();
    // Another text before the same edit: an answer that was seen is not asked for again.
    answers += 1;
    await ask('say', 'desk', `Way ${answers}.\n\n${given.twoFiles}`);
    await code.codeAction('Refactor `total`');
    await code.giveInstruction(`In both files, way ${answers}`);
    await list.waitFor();
    await until('both files', async () => (await boxes.count()) >= FILES.length);
    return list.locator('.monaco-list-row').evaluateAll((rows) =>
      rows.map((row) => row.getAttribute('aria-label')));
  }

  /** Resolves when both files are changed and not saved. */
  async function unsaved() {
    for (const name of FILES) {
      await page.locator('.tabs-container .tab.dirty', { hasText: name }).first().waitFor();
    }
  }

  await code.step('several files, none ticked', async () => {
    const before = disk();
    const listed = await previewed();
    const ticked = await boxes.evaluateAll((all) => all.filter((box) => box.checked).length);
    await apply.click();
    await list.waitFor({ state: 'hidden' });
    const told = await until('the reason', async () => {
      const texts = await code.notifications().allInnerTexts();
      return texts.find((text) => /ticked/.test(text));
    });
    await code.picture('several-none');
    await code.command('Notifications: Clear All Notifications');
    return { listed, ticked, told, same: String(disk()) === String(before), text: await code.text('prices.py') };
  });

  await code.step('several files, all ticked', async () => {
    const before = disk();
    await previewed();
    for (const box of await boxes.all()) if (!(await box.isChecked())) await box.check();
    await code.picture('several');
    await apply.click();
    await list.waitFor({ state: 'hidden' });
    await unsaved();
    await code.command('File: Save All');
    // A file that is being saved is empty for a moment.
    const after = await until('both on disk', () => {
      const now = disk();
      return now.every((text, n) => text.endsWith('\n') && text !== before[n]) && now;
    });
    await code.atTotal();
    await code.press('Control+z');
    await unsaved();
    await code.command('File: Save All');
    await until('both undone', () => String(disk()) === String(before));
    return { after, undone: true };
  });
}

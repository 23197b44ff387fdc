// The programmer's hands and eyes: what is done with a VS Code in Chromium.
import fs from 'node:fs';
import { given, LIMIT, until } from './browser.mjs';

/** Where the steps before have used up so many milliseconds, the others are not tried. */
const ALL = 330000;
const first = Date.now();

/** One window of VS Code. */
export class Window {
  constructor(page) {
    this.page = page;
  }

  /** Returns a window with a folder or a `.code-workspace`; nobody has trusted it yet. */
  static async open(context, where) {
    const page = await context.newPage();
    page.setDefaultTimeout(LIMIT);
    const kind = where.endsWith('.code-workspace') ? 'workspace' : 'folder';
    const address = `${given.url}/?${kind}=${encodeURIComponent(where)}`;
    await page.goto(address, { timeout: 60000, waitUntil: 'domcontentloaded' });
    const window = new Window(page);
    await page.locator('.monaco-workbench .explorer-folders-view .monaco-list-row').first()
      .waitFor({ timeout: 60000 })
      .catch(async (error) => {
        await window.picture('stuck-open');
        throw error;
      });
    return window;
  }

  /** Trusts the authors of the folder, as the banner's link lets one. */
  async trust() {
    await this.page.locator('.statusbar').getByText('Restricted Mode').waitFor();
    await this.command('Workspaces: Manage Workspace Trust');
    const editor = this.page.locator('.workspace-trust-editor');
    await editor.getByRole('button', { name: /^Trust$/ }).click();
    await this.page.locator('.statusbar').getByText('Restricted Mode').waitFor({ state: 'hidden' });
    await this.command('View: Close All Editors');
    await editor.waitFor({ state: 'detached' });
  }

  async press(...keys) {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  /** Runs a step of a scenario and prints what was seen, or why it got stuck and a picture of it. */
  async step(name, run) {
    const began = Date.now();
    try {
      if (began - first > ALL) throw new Error('no time is left for this step');
      const saw = (await run()) ?? null;
      console.log(JSON.stringify({ step: name, saw, ms: Date.now() - began }));
      return saw;
    } catch (error) {
      console.log(JSON.stringify({ step: name, stuck: String(error.message).slice(0, 1500) }));
      await this.picture(`stuck-${name}`).catch(() => {});
      for (const _ of [1, 2, 3]) await this.press('Escape').catch(() => {});
      return undefined;
    }
  }

  async picture(name) {
    await this.page.screenshot({ path: `${process.env.AIEX_SCREENSHOTS}/vscode-${name}.png` });
  }

  input() {
    return this.page.locator('.quick-input-widget:visible');
  }

  /** Returns the titles in the open quick pick or palette. */
  async offered() {
    return this.input().locator('.quick-input-list .monaco-list-row').evaluateAll((rows) =>
      rows.map((row) => row.getAttribute('aria-label')));
  }

  /** Picks an entry of the open quick pick by a part of its label. */
  async pick(label) {
    const row = this.input().locator('.quick-input-list .monaco-list-row', { hasText: label }).first();
    // What a click begins may keep the window so busy that the click is not acknowledged.
    await row.click({ timeout: 5000 }).catch(async (error) => {
      if (await row.isVisible()) throw error;
    });
  }

  /**
   * Opens the palette by a key, writes into it, and picks a row of it where one is named. A window
   * that is still loading takes the keyboard back, which closes the palette: then it is opened anew.
   */
  async choose(key, text, label) {
    const list = this.input().locator('.quick-input-list');
    const box = this.input().locator('input').first();
    const rows = list.locator('.monaco-list-row', { hasText: label });
    const first = list.locator('.monaco-list-row.focused', { hasText: label });
    await until(`the palette with ${text}`, async () => {
      if (!(await this.input().isVisible())) await this.press(key);
      await box.fill(text, { timeout: 2000 });
      await rows.first().waitFor({ timeout: 2000 });
      if (!label) return true;
      if (await first.isVisible()) await this.press('Enter');
      else await this.pick(label);
      // What a command asks for comes in the same place.
      return until(`${label} to be taken`, async () =>
        !(await this.input().isVisible()) || (await box.inputValue({ timeout: 1000 })) !== text, 5000);
    });
  }

  /** Runs a command by the title that the palette shows. */
  async command(title) {
    await this.choose('F1', `>${title}`, title);
  }

  /**
   * Runs a command that lists something; returns the list once a part is in it. A view that has just
   * been clicked takes the keyboard back, which closes palette and list: then it is run anew.
   */
  async list(title, part) {
    const listed = async () => {
      const offered = await this.offered();
      return offered.some((one) => part.test(one)) && offered;
    };
    return until(`a list with ${part}`, async () => {
      if (!(await this.input().isVisible())) await this.command(title);
      return until(`${part} of ${title}`, listed, 4000);
    });
  }

  /** Changes settings of the user, as the settings editor does; null takes one back. */
  async settings(values) {
    const path = `${given.api}.settings`;
    fs.writeFileSync(path, JSON.stringify(values));
    // The same view may close the palette before the command is run.
    await until('the settings', async () => {
      if (!fs.existsSync(path)) return true;
      await this.command('aiex API tests: Take Settings');
      return until('the settings to be taken', () => !fs.existsSync(path), 4000);
    });
  }

  /** Returns the palette's titles for some words; the palette is closed again. */
  async commands(words) {
    await this.choose('F1', `>${words}`);
    const titles = await this.offered();
    await this.press('Escape');
    return titles;
  }

  /** Opens a file by its name and waits until its text is there. */
  async file(name) {
    await this.choose('Control+p', name, name);
    await this.tab(name).waitFor();
    await this.editor(name).locator('.view-line').first().waitFor();
  }

  tab(name) {
    return this.page.locator('.tabs-container .tab', { hasText: name }).first();
  }

  editor(name) {
    return this.page.locator(`.editor-instance .monaco-editor[data-uri$="${name}"]`).first();
  }

  /** Puts the cursor of an open file at a line and column, from 1, and the keyboard there. */
  async go(name, line, column = 1) {
    const box = this.input().locator('input').first();
    // A window that is still loading takes the keyboard back: then it is given again.
    await until(`the cursor in ${name}`, async () => {
      await this.tab(name).click({ timeout: 2000 });
      await this.page.mouse.move(600, 600);
      await until(`the keyboard in ${name}`, () => this.holdsKeyboard(name), 2000);
      await this.press('Control+g');
      await box.fill(`:${line}:${column}`, { timeout: 2000 });
      await this.press('Enter');
      await this.input().waitFor({ state: 'hidden', timeout: 2000 });
      await until(`the keyboard back in ${name}`, () => this.holdsKeyboard(name), 2000);
      return true;
    });
  }

  holdsKeyboard(name) {
    return this.editor(name).evaluate((editor) => editor.contains(document.activeElement));
  }

  /** Puts the cursor on `total` in `prices.py`. */
  async atTotal() {
    await this.go('prices.py', 4, 5);
  }

  /** Returns an editor's text as it stands on the screen. */
  async text(name) {
    const lines = this.editor(name).locator('.view-lines .view-line');
    const found = await lines.evaluateAll((all) =>
      all
        .map((one) => [parseFloat(one.style.top), one.textContent.replaceAll('\u00a0', ' ')])
        .sort(([a], [b]) => a - b)
        .map(([, text]) => text));
    return found.join('\n');
  }

  /** Returns the rows of the code action menu, which it opens by Ctrl+. */
  async codeActions() {
    const rows = this.page.locator('.action-widget .monaco-list-row.action');
    // A menu closes again where a lens or a squiggle comes under it.
    await until('the menu of actions', async () => {
      if (!(await rows.first().isVisible())) await this.press('Control+.');
      return rows.first().waitFor({ timeout: 1500 }).then(() => true);
    });
    return rows;
  }

  async codeAction(title) {
    const rows = await this.codeActions();
    await rows.filter({ hasText: title }).first().click();
  }

  status() {
    return this.page.locator('.statusbar [id$="aiex.status"]');
  }

  /** Clicks the status bar's item and picks an entry of its menu; returns all that it offers. */
  async menu(entry) {
    const title = this.input().locator('.quick-input-title', { hasText: /^aiex$/ });
    await until(`the menu with ${entry}`, async () => {
      if (!(await title.isVisible())) await this.status().click({ timeout: 2000 });
      await title.waitFor({ timeout: 2000 });
      return (await this.offered()).length > 0;
    });
    const offered = await this.offered();
    if (entry) await this.pick(entry);
    return offered;
  }

  /** Opens the walkthrough; returns its steps, by title whether each is done. */
  async walkthrough() {
    await this.list('Welcome: Open Walkthrough', /Start with aiex/);
    await this.pick('Start with aiex');
    const steps = this.page.locator('.gettingStartedContainer .getting-started-step');
    await until('its steps', async () => (await steps.count()) >= 5);
    const found = await steps.evaluateAll((all) => all.map((step) => [
      step.querySelector('.step-title').textContent,
      step.querySelector('[data-done-step-id]').getAttribute('aria-checked') === 'true',
    ]));
    return Object.fromEntries(found);
  }

  /** Returns the frame of the answer that is shown, once it is there. */
  async answer() {
    return until('the answer beside', async () => {
      for (const frame of this.page.frames()) {
        const found = await frame.$('#answer').catch(() => null);
        if (found && (await found.isVisible())) return frame;
      }
      return undefined;
    });
  }

  async answerText() {
    return (await (await this.answer()).locator('#answer').innerText()).trim();
  }

  async title() {
    return (await (await this.answer()).locator('#title').innerText()).trim();
  }

  /** Returns what the answer says of who gave it. */
  async meta() {
    return (await (await this.answer()).locator('#meta').innerText()).trim();
  }

  /** Returns whether the keyboard is in a text editor, not in the answer. */
  async focused() {
    return this.page.evaluate(() => Boolean(document.activeElement?.closest('.monaco-editor')));
  }

  /** Returns what VS Code says where no action is offered. */
  async noActions() {
    const message = this.page.locator('.monaco-editor-overlaymessage');
    // It goes away when the keyboard moves, as it does in a window that is still loading.
    return until('no actions', async () => {
      await this.press('Control+.');
      await message.waitFor({ timeout: 1500 });
      return message.innerText();
    });
  }

  /** Gives the instruction that is asked for before the code is changed. */
  async giveInstruction(text) {
    const box = this.input().locator('input').first();
    await box.waitFor();
    await box.fill(text);
    await this.press('Enter');
  }

  /** Returns what a screen reader says of the status bar's item. */
  async statusLabel() {
    return (await this.status().locator('a').first().getAttribute('aria-label')) ?? '';
  }

  async statusColour() {
    return this.status().evaluate((item) => getComputedStyle(item).backgroundColor);
  }

  notifications() {
    return this.page.locator('.notifications-toasts .notification-list-item-message');
  }
}

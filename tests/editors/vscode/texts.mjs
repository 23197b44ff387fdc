// What a programmer reads: explanations, hovers, answers to own templates.
import { ask, given, until } from './browser.mjs';

/** Asks for texts in each way there is, and reads them. */
export async function texts(code) {
  const { page } = code;

  await code.step('actions', async () => {
    await code.atTotal();
    // A template of the workspace is there when its folder has been read.
    return until('the template too', async () => {
      const titles = await (await code.codeActions()).allInnerTexts();
      await code.picture('actions');
      await code.press('Escape');
      return titles.some((one) => one.startsWith('Write a haiku')) && titles;
    });
  });

  await code.step('explained by menu', async () => {
    await code.atTotal();
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
    await code.atTotal();
    const before = await ask('requests', 'aiex/explain');
    if (!given.keys['aiex.explain']) throw new Error('aiex.explain has no key');
    await code.press(...given.keys['aiex.explain']);
    await until('the request', async () => (await ask('requests', 'aiex/explain')) > before);
    return code.answerText();
  });

  await code.step('explained by context menu', async () => {
    await code.atTotal();
    const before = await ask('requests', 'aiex/explain');
    await code.editor('prices.py').locator('.view-line', { hasText: 'def total' }).click({ button: 'right' });
    const menu = page.locator('.context-view .monaco-menu, .monaco-menu').last();
    await menu.waitFor();
    const first = await menu.innerText();
    await code.picture('context-menu');
    await page.locator('.monaco-menu .action-item', { hasText: 'aiex' }).last().hover();
    const explain = page.locator('.monaco-submenu .action-item', { hasText: 'Explain' }).first();
    await explain.waitFor();
    // A menu takes no click in its first tenth of a second.
    await until('the menu to close', async () => {
      if (await explain.isVisible()) await explain.click({ timeout: 500 });
      return !(await explain.isVisible());
    });
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
    const offered = await code.list('aiex: Earlier Answers', /Explain total/);
    await code.pick('Explain total');
    await until('the answer', async () => /Adds up/.test(await code.answerText()));
    return { offered, text: await code.answerText() };
  });

  await code.step('own template', async () => {
    await code.atTotal();
    await code.codeAction('Write a haiku');
    await until('the haiku', async () => /falls like a leaf/.test(await code.answerText()));
    return code.answerText();
  });

  /** Returns what the hover over `total` says once it says a part. */
  async function hover(part, picture) {
    const box = page.locator('.monaco-hover:visible').first();
    const text = await until(`a hover with ${part}`, async () => {
      await code.press('Escape');
      await code.atTotal();
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

  await code.step('hostile answer', async () => {
    await code.go('till.py', 5, 5);
    await ask('say', 'desk', given.hostile);
    await code.command('aiex: Explain');
    await until('the answer', async () => /end of it/.test(await code.answerText()) && (await code.meta()));
    const frame = await code.answer();
    const active = await frame.locator('#answer').locator('img, script, iframe, form, style').count();
    const links = await frame.locator('#answer a').evaluateAll((all) => all.map((one) => one.href));
    await frame.locator('#answer button.copy').first().click();
    await until('the copy', async () => /Copied/.test(await frame.locator('#status').innerText()));
    return { active, links, text: await code.answerText(), code: await frame.locator('#answer code').last().innerText() };
  });

  /** Returns what Tab comes to in the answer, from its text to its last field. */
  async function order(frame) {
    const found = [];
    const at = () => frame.evaluate(() => {
      const { id, className, tagName } = document.activeElement;
      return id || className || tagName.toLowerCase();
    });
    await frame.locator('#answer').focus();
    while (found.at(-1) !== 'ask' && found.length < 9) {
      await code.press('Tab');
      found.push(await at());
    }
    return found;
  }

  await code.step('for screen readers', async () => {
    const frame = await code.answer();
    return {
      answer: await frame.locator('#answer').getAttribute('aria-live'),
      status: await frame.locator('#status').getAttribute('role'),
      question: await frame.getByLabel('Ask about this answer').count(),
      order: await order(frame),
      policy: await frame.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content'),
    };
  });

  await code.step('in other colours', async () => {
    const frame = await code.answer();
    const seen = {};
    for (const theme of ['Default High Contrast', 'Default Light Modern', 'Default Dark Modern']) {
      await code.settings({ 'workbench.colorTheme': theme });
      const kind = theme.includes('Contrast') ? 'vscode-high-contrast' : theme.includes('Light') ? 'vscode-light' : 'vscode-dark';
      await until(theme, () => frame.evaluate((one) => document.body.classList.contains(one), kind));
      seen[kind] = await frame.evaluate(() => {
        const style = (query) => getComputedStyle(document.querySelector(query));
        return { text: style('body').color, ground: style('body').backgroundColor, border: style('#ask').borderTopColor, block: style('pre').borderTopColor };
      });
      await code.picture(`answer-${kind}`);
    }
    return seen;
  });

  await code.step('where commands appear', async () => {
    await code.settings({ 'files.readonlyInclude': { '**/till.py': true } });
    await code.go('till.py', 5, 5);
    const seen = {};
    // VS Code tells its menus of a setting, and of the editor that is active, after it shows them.
    const gone = (title, where) => until(`no ${title} in ${where}`, async () => {
      const titles = await code.commands(title);
      return !titles.some((one) => one.startsWith(title)) && titles;
    });
    seen.refactor = await gone('aiex: Refactor', 'a file that is read-only');
    seen.explain = await code.commands('aiex: Explain');
    await code.choose('Control+p', 'seal.png', 'seal.png');
    await code.tab('seal.png').waitFor();
    seen.picture = await gone('aiex: Explain', 'a picture');
    await code.command('View: Close Editor');
    await code.tab('seal.png').waitFor({ state: 'detached' });
    await code.settings({ 'files.readonlyInclude': null });
    await until('a file to write in again', async () => {
      await code.go('till.py', 5, 5);
      const titles = await code.commands('aiex: Refactor');
      return titles.some((one) => one.startsWith('aiex: Refactor'));
    });
    return seen;
  });

  await code.step('from the log', async () => {
    await code.atTotal();
    await code.command('aiex: Show the Log');
    await until('the keyboard in the log', () =>
      page.evaluate(() => Boolean(document.activeElement?.closest('.part.panel'))));
    const before = (await ask('params', 'aiex/explain')).length;
    await code.command('aiex: Explain');
    const asked = await until('the request', async () => (await ask('params', 'aiex/explain'))[before]);
    await code.command('View: Hide Panel');
    return asked.textDocument.uri;
  });

  await code.step('pages', async () => {
    const seen = {};
    for (const [title, part] of [['Doctor', /desk/], ['Usage and cost', /desk/]]) {
      await code.menu(title);
      await until(`the page of ${title}`, async () =>
        new RegExp(title.split(' ')[0], 'i').test(await code.title()) && part.test(await code.answerText()));
      seen[title] = await code.answerText();
    }
    await code.atTotal();
    await code.list('aiex: Show the Prompt', /explain/);
    await code.pick('explain');
    await until('the prompt', async () => /def total/.test(await code.answerText()));
    seen.prompt = await code.answerText();
    return seen;
  });
}

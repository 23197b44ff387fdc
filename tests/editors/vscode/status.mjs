// What a programmer sees and sets: lenses, the status bar, its menu, keys.
import { ask, given, until } from './browser.mjs';

/** Looks at the status bar while providers come and go, and sets what can be set. */
export async function status(code) {
  const { page } = code;

  await code.step('code lens', async () => {
    await code.atTotal();
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

  await code.step('paused', async () => {
    await code.command('aiex: Pause or Resume');
    await until('a pause', async () => /paused/.test(await code.statusLabel()));
    await code.atTotal();
    const actions = await code.noActions();
    await code.command('aiex: Pause or Resume');
    await until('no pause', async () => /desk/.test(await code.statusLabel()));
    return { actions, after: await code.statusLabel() };
  });

  await code.step('provider killed', async () => {
    const before = await code.statusColour();
    await ask('stop', 'desk');
    await code.menu('Check providers now');
    await until('another colour', async () => (await code.statusColour()) !== before);
    await until('the providers', async () => (await code.offered()).some((one) => /desk/.test(one)));
    const told = await code.offered();
    await code.press('Escape');
    await code.picture('provider-killed');
    return { before, after: await code.statusColour(), label: await code.statusLabel(), told };
  });

  await code.step('switched', async () => {
    const menu = await code.menu();
    await code.picture('menu');
    await code.pick('Provider');
    await until('the providers', async () => (await code.offered()).some((one) => /spare/.test(one)));
    await code.pick('spare');
    await until('the other name', async () => /spare/.test(await code.statusLabel()));
    await code.atTotal();
    await code.command('aiex: Explain');
    await until('its answer', async () => /Said by spare/.test(await code.answerText()));
    await ask('start', 'desk');
    return { menu, label: await code.statusLabel(), colour: await code.statusColour(), text: await code.answerText() };
  });

  await code.step('chosen in the menu', async () => {
    const asked = {};

    /** Picks an entry and one of what it lists; keeps what was listed and what the server was told. */
    async function choose(entry, part, method) {
      const before = (await ask('params', method)).length;
      await code.menu(entry);
      await until(`a list with ${part}`, async () => (await code.offered()).some((one) => part.test(one)));
      const offered = await code.offered();
      await code.pick(part);
      const told = await until(`${method}`, async () => (await ask('params', method))[before]);
      asked[entry] = { offered, told };
    }
    await choose('Model', /gpt-fake/, 'aiex/selectProvider');
    await choose('Strategy', /round_robin/, 'aiex/selectProvider');
    await choose('Reset a circuit', /desk/, 'aiex/resetCircuit');
    await code.menu('Show the log');
    // This VS Code has no logger: its lines go elsewhere, but the channel is there.
    await until('the log', async () => (await page.locator('.part.panel select').evaluateAll((all) =>
      all.map((one) => one.selectedOptions[0]?.text))).includes('aiex'));
    await code.command('View: Hide Panel');
    await code.menu('Provider');
    await until('the way back', async () => (await code.offered()).some((one) => /As configured/.test(one)));
    await code.pick('As configured');
    await until('as configured', async () => /desk/.test(await code.statusLabel()));
    return asked;
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

  await code.step('key removed', async () => {
    const servers = (await ask('servers')).length;
    const offered = await code.list('aiex: Remove', /anthropic/);
    await code.pick('anthropic');
    const environment = await until('a server without the key', async () => {
      const now = await ask('servers');
      return now.length > servers && now.at(-1).environment;
    });
    await until('it runs', async () => /desk|spare/.test(await code.statusLabel()));
    await code.command('aiex: Remove');
    const told = code.notifications().filter({ hasText: 'keeps no key' });
    await told.first().waitFor();
    const none = await told.first().innerText();
    await code.command('Notifications: Clear All Notifications');
    return { offered, environment, none };
  });

  await code.step('server killed', async () => {
    const servers = (await ask('servers')).length;
    await ask('kill');
    await until('another server', async () => (await ask('servers')).length > servers);
    await until('it runs', async () => /desk/.test(await code.statusLabel()));
    await code.atTotal();
    const first = await (await code.codeActions()).first().innerText();
    await code.press('Escape');
    return first;
  });

  await code.step('no server', async () => {
    await code.settings({ 'aiex.server.command': ['/nowhere/aiex-lsp', 'serve'] });
    await until('a failure', async () => /could not start/.test(await code.statusLabel()));
    const told = code.notifications().filter({ hasText: 'aiex cannot start' }).first();
    await told.waitFor();
    const text = await told.innerText();
    const buttons = await page.locator('.notifications-toasts .monaco-button').allInnerTexts();
    const colour = await code.statusColour();
    const menu = await code.menu();
    await code.press('Escape');
    await code.settings({ 'aiex.server.command': null });
    await until('it runs', async () => /desk/.test(await code.statusLabel()));
    await code.command('Notifications: Clear All Notifications');
    return { text, buttons, colour, menu };
  });

  await code.step('configuration opened', async () => {
    await code.menu('Open the configuration');
    await code.tab('config.toml').waitFor();
    await code.editor('config.toml').locator('.view-line').first().waitFor();
    return until('its text', async () => {
      const text = await code.text('config.toml');
      return text.includes('default_provider') && text;
    });
  });

  await code.step('walkthrough', async () => {
    const done = await code.walkthrough();
    const steps = page.locator('.gettingStartedContainer .getting-started-step');
    await steps.filter({ hasText: 'Who answers, at what price' }).click();
    await code.picture('walkthrough');
    await page.getByRole('button', { name: 'Open the menu' }).click();
    await code.input().locator('.quick-input-title').waitFor();
    const opened = await code.input().locator('.quick-input-title').innerText();
    await code.press('Escape');
    return { done, opened };
  });
}

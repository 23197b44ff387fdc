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
    await code.atTotal();
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
}

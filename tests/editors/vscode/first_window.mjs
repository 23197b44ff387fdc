// The first start where there is no server, in the real window: without a network, then with one.
import { ask, given, start, until } from './browser.mjs';
import { Window } from './window.mjs';

const { browser, context, foreign } = await start();
const code = await Window.open(context, given.project);

/** Returns a notification's text, once there is one that has the words. */
const told = (words) =>
  until(words.source, async () =>
    (await code.notifications().allInnerTexts()).find((text) => words.test(text)), 60000);

await code.step('nothing to install', async () => {
  await code.trust();
  const why = await told(/could not install/);
  await code.picture('first-start-failed');
  return { why, label: await code.statusLabel() };
});

await code.step('installed', async () => {
  await ask('connect');
  await code.page.getByRole('button', { name: 'Try Again' }).click();
  const progress = await told(/first start/);
  await code.picture('first-start');
  await code.file('prices.py');
  await until('a healthy status', async () => /desk/.test(await code.statusLabel()), 90000);
  await code.atTotal();
  await code.command('aiex: Explain');
  const text = await until('an answer', async () => {
    const shown = await code.answerText();
    return /Nothing is rounded/.test(shown) && shown;
  });
  return { progress, label: await code.statusLabel(), text };
});

console.log(JSON.stringify({ step: 'foreign', saw: foreign }));
await browser.close();
process.exit(0);

// The pictures of the README: an explanation beside the code, a fix before it is made.
import { given, start, until } from './browser.mjs';
import { Window } from './window.mjs';

const { browser, context } = await start();
const code = await Window.open(context, given.project);
const { page } = code;
await page.setViewportSize({ width: 1280, height: 720 });
await code.trust();
await code.file('rooms.py');
await code.press('Control+b');
await until('the server', async () => /local/.test(await code.statusLabel()));

await code.step('explain', async () => {
  await code.go('rooms.py', 6, 5);
  await code.codeAction('Explain `free_rooms`');
  await until('the answer', async () => /Watch out/.test(await code.answerText()) && (await code.meta()));
  await code.picture('explain');
  await code.status().hover();
  await until('the tooltip', async () =>
    /office/.test(await page.locator('.monaco-hover:visible').last().innerText()));
  await page.screenshot({
    path: `${process.env.AIEX_SCREENSHOTS}/vscode-status.png`,
    clip: { x: 640, y: 420, width: 640, height: 300 },
  });
  await page.mouse.move(300, 600);
});

await code.step('fix', async () => {
  await code.go('rooms.py', 6, 5);
  await code.codeAction('Analyze `free_rooms` (general)');
  const lens = code.editor('rooms.py').locator('.codelens-decoration a', { hasText: 'Fix with aiex' });
  await lens.first().click();
  await page.locator('.monaco-diff-editor .line-insert').first().waitFor();
  await code.picture('fix');
});

await browser.close();
process.exit(0);

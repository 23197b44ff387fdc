// Another server beside aiex in the same documents: it answers in 50 ms, is there first and leaves.
const vscode = require('vscode');
const { file, until } = require('./help');

const PYTHON = { language: 'python', scheme: 'file' };
const OTHER = 'other: a function';
const NAME = new vscode.Range(4, 4, 4, 10);
const WARM = new vscode.Position(4, 5);
const HOVERED = new vscode.Position(0, 5);

const soon = (answer) => new Promise((resolve) => setTimeout(() => resolve(answer), 50));

/** Returns what another server registers; its diagnostic has a preferred quick fix. */
function other(uri) {
  const { languages } = vscode;
  const reported = languages.createDiagnosticCollection('other');
  const problem = new vscode.Diagnostic(NAME, 'no coin', vscode.DiagnosticSeverity.Warning);
  problem.source = 'other';
  reported.set(uri, [problem]);
  const fix = new vscode.CodeAction('Other: mend it', vscode.CodeActionKind.QuickFix);
  fix.diagnostics = [problem];
  fix.isPreferred = true;
  return [
    reported,
    languages.registerHoverProvider(PYTHON, {
      provideHover: () => soon(new vscode.Hover(OTHER)),
    }),
    languages.registerCompletionItemProvider(PYTHON, {
      provideCompletionItems: () => soon([new vscode.CompletionItem('other_one')]),
    }),
    languages.registerCodeActionsProvider(PYTHON, { provideCodeActions: () => soon([fix]) }),
  ];
}

async function hovered(uri, at = HOVERED) {
  const began = Date.now();
  const found = await vscode.commands.executeCommand('vscode.executeHoverProvider', uri, at);
  const texts = found.map((one) => one.contents.map((part) => part.value ?? part).join('\n'));
  return { ms: Date.now() - began, texts };
}

/** Looks while another server is there; it came before aiex did, or after. */
async function look(mode, early) {
  const uri = file('project', 'till.py');
  await vscode.window.showTextDocument(uri);
  const hover = vscode.workspace.getConfiguration('aiex.hover');
  await hover.update('mode', mode, vscode.ConfigurationTarget.Global);
  const there = early ? other(uri) : [];
  try {
    if (early) await vscode.commands.executeCommand('aiex.restart');
    await until('aiex there', async () =>
      (await hovered(uri, WARM)).texts.some((text) => !text.includes(OTHER)));
    if (!early) there.push(...other(uri));
    const hovers = [];
    for (let times = 0; times < 5; times += 1) hovers.push(await hovered(uri));
    const run = (name, ...more) => vscode.commands.executeCommand(`vscode.${name}`, uri, ...more);
    const actions = await run('executeCodeActionProvider', NAME, 'quickfix');
    const completed = await run('executeCompletionItemProvider', HOVERED);
    return {
      hovers,
      actions: actions.map((one) => [one.title, Boolean(one.isPreferred)]),
      completed: completed.items
        .filter((one) => one.kind !== vscode.CompletionItemKind.Text)
        .map((one) => one.label.label ?? one.label),
      reported: vscode.languages.getDiagnostics(uri).map((one) => [one.source, one.message]),
    };
  } finally {
    for (const one of there) one.dispose();
    await hover.update('mode', undefined, vscode.ConfigurationTarget.Global);
  }
}

const looks = {};
for (const mode of ['cached', 'on']) {
  for (const early of [true, false]) {
    looks[`beside, ${mode}, ${early ? 'before' : 'after'}`] = () => look(mode, early);
  }
}
/** Registers the other server's parts for good, for the screen to be looked at. */
const register = () => other(file('project', 'till.py'));

module.exports = { looks, register };

import * as vscode from "vscode";
import { SCHEMES } from "./server/client";

/** "Fix with aiex" above each line with a finding; where it is set, lenses above functions too. */
export class Lenses implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.changed.event;
  private readonly listening: vscode.Disposable[];

  constructor(private readonly runs: () => boolean) {
    this.listening = [
      vscode.languages.registerCodeLensProvider(SCHEMES.map((scheme) => ({ scheme })), this),
      vscode.languages.onDidChangeDiagnostics(() => this.changed.fire()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("aiex.codeLens")) this.changed.fire();
      }),
    ];
  }

  /** Looks again: the server began or ended. */
  refresh(): void {
    this.changed.fire();
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    if (!this.runs()) return [];
    const settings = vscode.workspace.getConfiguration("aiex", document);
    const above = settings.get<boolean>("codeLens", false) ? await functions(document) : [];
    return [...fixes(document), ...above];
  }

  dispose(): void {
    for (const one of this.listening) one.dispose();
    this.changed.dispose();
  }
}

/** Returns whether a diagnostic is a finding of an analysis; configuration problems have no code. */
export function isFinding(diagnostic: vscode.Diagnostic): boolean {
  return diagnostic.source === "aiex" && diagnostic.code !== undefined;
}

function fixes({ uri }: vscode.TextDocument): vscode.CodeLens[] {
  const findings = vscode.languages.getDiagnostics(uri).filter(isFinding);
  return findings.map((diagnostic) => {
    const message = diagnostic.message.split("\n")[0] ?? "";
    const short = message.length > 60 ? `${message.slice(0, 59)}…` : message;
    return new vscode.CodeLens(diagnostic.range, {
      title: `$(sparkle) Fix with aiex: ${short}`,
      command: "aiex.fix",
      arguments: [{ uri, range: diagnostic.range }, diagnostic],
    });
  });
}

const FUNCTIONS = [
  vscode.SymbolKind.Function,
  vscode.SymbolKind.Method,
  vscode.SymbolKind.Constructor,
  vscode.SymbolKind.Class,
];

async function functions({ uri }: vscode.TextDocument): Promise<vscode.CodeLens[]> {
  const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[] | undefined>(
    "vscode.executeDocumentSymbolProvider",
    uri,
  );
  return everySymbol(symbols ?? [])
    .filter((symbol) => FUNCTIONS.includes(symbol.kind))
    .flatMap((symbol) => {
      // Older providers give a location only.
      const range = symbol.selectionRange ?? (symbol as unknown as vscode.SymbolInformation).location.range;
      const at = { uri, range: new vscode.Range(range.start, range.start) };
      return [
        ["Explain", "aiex.explain"],
        ["Tests", "aiex.generateTests"],
        ["Document", "aiex.document"],
      ].map(([title = "", command = ""]) => new vscode.CodeLens(range, { title, command, arguments: [at] }));
    });
}

function everySymbol(symbols: vscode.DocumentSymbol[]): vscode.DocumentSymbol[] {
  return symbols.flatMap((one) => [one, ...everySymbol(one.children ?? [])]);
}

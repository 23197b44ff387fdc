import * as vscode from "vscode";
import { definitions } from "./definitions";
import { SCHEMES } from "./server/client";

/** "Fix with aiex" above each line with a finding; where it is set, lenses above functions too. */
export class Lenses implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.changed.event;
  private readonly listening: vscode.Disposable[];
  /** Documents that had findings when it was last looked. */
  private readonly withFindings = new Set<string>();

  constructor(private readonly runs: () => boolean) {
    this.listening = [
      vscode.languages.registerCodeLensProvider(
        SCHEMES.map((scheme) => ({ scheme })),
        this,
      ),
      vscode.languages.onDidChangeDiagnostics(({ uris }) => this.diagnosed(uris)),
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

  /** Other tools' problems, which change with each key, move no lens. */
  private diagnosed(uris: readonly vscode.Uri[]): void {
    const moved = uris.filter((uri) => {
      const had = this.withFindings.delete(String(uri));
      const has = vscode.languages.getDiagnostics(uri).some(isFinding);
      if (has) this.withFindings.add(String(uri));
      return had || has;
    });
    if (moved.length > 0) this.changed.fire();
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

const ABOVE = [
  ["Explain", "aiex.explain"],
  ["Tests", "aiex.generateTests"],
  ["Document", "aiex.document"],
] as const;

async function functions(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
  const { uri } = document;
  const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[] | undefined>(
    "vscode.executeDocumentSymbolProvider",
    uri,
  );
  const places = symbols?.length
    ? everySymbol(symbols)
        .filter((symbol) => FUNCTIONS.includes(symbol.kind))
        .map((symbol) => (symbol.selectionRange ?? locationOf(symbol)).start)
    : definitions(document.getText()).map((one) => new vscode.Position(one.line, one.character));
  return places.flatMap((place) => {
    const range = new vscode.Range(place, place);
    return ABOVE.map(
      ([title, command]) =>
        new vscode.CodeLens(range, { title, command, arguments: [{ uri, range }] }),
    );
  });
}

function everySymbol(symbols: vscode.DocumentSymbol[]): vscode.DocumentSymbol[] {
  return symbols.flatMap((one) => [one, ...everySymbol(one.children ?? [])]);
}

/** Older providers give symbols of another shape. */
function locationOf(symbol: unknown): vscode.Range {
  return (symbol as vscode.SymbolInformation).location.range;
}

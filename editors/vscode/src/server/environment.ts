import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { NoServer, onPath } from "./find";
import type { Ran } from "./run";

/** What making an environment needs. */
export interface Making {
  /** Where it is made. */
  folder: string;
  /** What pip is to install: a wheel, a path, a name. */
  source: string;
  /** Pythons to try, best first. */
  pythons: readonly string[];
  windows: boolean;
  /** Aborted where the programmer does not want to wait. */
  signal?: AbortSignal;
  run(command: string, args: string[], timeout: number): Promise<Ran>;
  report(message: string): void;
  log(message: string): void;
}

const MINUTES = 60_000;
/** In the environment's folder: what it was made from. */
const SOURCE = "aiex-source.txt";
const NAMES = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"];
const OLD = "import sys; sys.exit(sys.version_info < (3, 11))";

/** Returns the Python of an environment in `folder`, whether it is there or not. */
export function pythonIn(folder: string, windows: boolean): string {
  return windows ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
}

/** Returns that Python, undefined where no environment was made. */
export function madePython(folder: string, windows: boolean): string | undefined {
  const python = pythonIn(folder, windows);
  return existsSync(python) ? python : undefined;
}

/** Returns whether an environment was made from another source, as before an update. */
export function isOld(folder: string, source: string): boolean {
  try {
    return readFileSync(join(folder, SOURCE), "utf8") !== basename(source);
  } catch {
    return true;
  }
}

/** Returns the Pythons on PATH by which an environment may be made. */
export function pythonsOnPath(path: string, windows: boolean): string[] {
  const found = NAMES.map((name) => onPath(name, { path, windows }));
  return [...new Set(found.filter((one) => one !== undefined))];
}

/** Returns the wheel of the server that came with the extension. */
export function bundledWheel(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const name = readdirSync(folder).find((one) => one.endsWith(".whl"));
  return name && join(folder, name);
}

/**
 * Makes the environment, or brings it up to date, and returns its Python. Throws `NoServer` with
 * what to do instead; an environment that is there stays as it is where it cannot be updated.
 */
export async function make(making: Making): Promise<string> {
  const { folder, windows, signal } = making;
  // One that VS Code left half made, as by being closed, is made anew.
  const before = madePython(folder, windows) && existsSync(join(folder, SOURCE));
  if (!before) await makeEmpty(making);
  const own = pythonIn(folder, windows);
  making.report("installing aiex-lsp and the built-in model's engine");
  let installed = await install(making, own, `${making.source}[embedded]`);
  if (!installed.ok && !signal?.aborted) {
    making.report("installing aiex-lsp");
    installed = await install(making, own, making.source);
  }
  if (installed.ok) {
    await writeFile(join(folder, SOURCE), basename(making.source));
  } else if (!before) {
    await rm(folder, { recursive: true, force: true });
    if (signal?.aborted) throw cancelled();
    throw new NoServer(
      `aiex could not install aiex-lsp: ${lastLine(installed.output)}`,
      "Look at the network, or install it yourself and set aiex.server.command.",
    );
  }
  return own;
}

async function install(making: Making, python: string, what: string): Promise<Ran> {
  const pip = ["-m", "pip", "install", "--upgrade", "--disable-pip-version-check", "--no-input"];
  const ran = await making.run(python, [...pip, what], 15 * MINUTES);
  making.log(ran.output);
  return ran;
}

async function makeEmpty(making: Making): Promise<void> {
  const { folder } = making;
  making.report("looking for Python 3.11 or later");
  const python = await newEnough(making);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  making.report("making an environment");
  const made = await making.run(python, ["-m", "venv", folder], 2 * MINUTES);
  if (made.ok) return;
  making.log(made.output);
  await rm(folder, { recursive: true, force: true });
  if (making.signal?.aborted) throw cancelled();
  throw new NoServer(
    `aiex could not make an environment with ${python}.`,
    "On Debian and Ubuntu install python3-venv; else see the log.",
  );
}

async function newEnough(making: Making): Promise<string> {
  for (const python of making.pythons) {
    if ((await making.run(python, ["-c", OLD], MINUTES / 3)).ok) return python;
  }
  if (making.signal?.aborted) throw cancelled();
  throw new NoServer(
    "aiex-lsp needs Python 3.11 or later, and none was found.",
    "Install Python, or select one in the Python extension.",
  );
}

/** Returns what is told who does not want to wait for the environment. */
export function cancelled(): NoServer {
  return new NoServer(
    "aiex has no server: you cancelled its installation.",
    "Try again, or install aiex-lsp yourself and set aiex.server.command.",
  );
}

function lastLine(text: string): string {
  const line = text.split("\n").findLast((one) => one.trim());
  // What follows it is another sentence.
  return (line ?? "pip failed")
    .trim()
    .slice(0, 200)
    .replace(/[^.!?]$/, "$&.");
}

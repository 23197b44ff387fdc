import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import type { Ran } from "./run";

/** How the server is started, and where it was found. */
export interface Found {
  command: string;
  args: string[];
  origin: string;
}

/** The origin of a server in the environment that this extension made. */
export const OWN = "aiex's own environment";

/** What looking for the server needs to know of the world. */
export interface Where {
  /** `aiex.server.command`. */
  configured: readonly string[];
  /** The Python that is selected in the Python extension. */
  python: string | undefined;
  path: string;
  windows: boolean;
  /** The Python of the environment that this extension made, if it has. */
  own: string | undefined;
  run(command: string, args: string[]): Promise<Ran>;
}

/** A start that cannot be; `next` is what the programmer can do. */
export class NoServer extends Error {
  constructor(
    what: string,
    readonly next: string,
  ) {
    super(`${what} ${next}`);
  }
}

/** Returns how to start the server: as configured, else from the first place that has it. */
export async function find(where: Where): Promise<Found | undefined> {
  const [command, ...args] = where.configured;
  if (command) {
    const program = onPath(command, where);
    if (!program) {
      throw new NoServer(
        `aiex cannot start: there is no program ${command}, which aiex.server.command names.`,
        "Correct that setting, or remove it to let aiex look itself.",
      );
    }
    return { command: program, args, origin: "aiex.server.command" };
  }
  if (where.python && (await hasServer(where.python, where))) {
    return module(where.python, "the selected Python");
  }
  const program = onPath("aiex-lsp", where);
  if (program) return { command: program, args: ["serve"], origin: "PATH" };
  if (where.own && (await hasServer(where.own, where))) {
    return module(where.own, OWN);
  }
  return undefined;
}

/** Returns the whole path of a program, undefined where there is none that can be run. */
export function onPath(name: string, where: Pick<Where, "path" | "windows">): string | undefined {
  const endings = where.windows ? ["", ".exe"] : [""];
  const whole = isAbsolute(name) || name.includes("/");
  const folders = whole ? [""] : where.path.split(delimiter).filter(Boolean);
  for (const folder of folders) {
    for (const ending of endings) {
      const path = (folder ? join(folder, name) : name) + ending;
      if (isProgram(path)) return path;
    }
  }
  return undefined;
}

/**
 * Returns how a Python that has the server starts it. `-P`: a project's own `types.py` or
 * `attrs.py` is no module of the server's.
 */
export function module(python: string, origin: string): Found {
  return { command: python, args: ["-P", "-m", "aiex_lsp", "serve"], origin };
}

async function hasServer(python: string, where: Where): Promise<boolean> {
  // Not by running the module: its import would take a second each time a window opens.
  const asks = "import importlib.util as u, sys; sys.exit(not u.find_spec('aiex_lsp'))";
  return (await where.run(python, ["-P", "-c", asks])).ok;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

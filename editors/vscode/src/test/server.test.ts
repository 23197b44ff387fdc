import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { bundledWheel, isOld, make, pythonsOnPath } from "../server/environment";
import { find, NoServer, type Where } from "../server/find";
import type { Ran } from "../server/run";

const folder = mkdtempSync(join(tmpdir(), "aiex-"));
after(() => rmSync(folder, { recursive: true }));

function program(...path: string[]): string {
  const file = join(folder, ...path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "#!/bin/sh\n");
  chmodSync(file, 0o755);
  return file;
}

const OK: Ran = { ok: true, output: "" };
const FAILED: Ran = { ok: false, output: "No module named venv" };

function where(more: Partial<Where>): Where {
  return {
    configured: [],
    python: undefined,
    path: "",
    windows: false,
    own: undefined,
    run: async () => FAILED,
    ...more,
  };
}

test("the configured command wins over everything", async () => {
  const command = program("mine", "server");
  const found = await find(
    where({ configured: [command, "serve"], python: "/py", run: async () => OK }),
  );
  assert.deepEqual(found, { command, args: ["serve"], origin: "aiex.server.command" });
});

test("a configured command that is not there is an error that names the setting", async () => {
  await assert.rejects(find(where({ configured: ["/nowhere/aiex-lsp"] })), (error: NoServer) => {
    assert.match(error.message, /aiex\.server\.command/);
    assert.match(error.next, /Correct that setting/);
    return true;
  });
});

test("then the selected Python if it has the server, else PATH", async () => {
  const bin = join(program("bin", "aiex-lsp"), "..");
  const path = ["/nowhere", bin].join(delimiter);
  const selected = await find(where({ python: "/py", path, run: async () => OK }));
  assert.deepEqual(selected?.args, ["-P", "-m", "aiex_lsp", "serve"]);
  const found = await find(where({ python: "/py", path }));
  assert.deepEqual(found, { command: join(bin, "aiex-lsp"), args: ["serve"], origin: "PATH" });
});

test("then the environment made before; without one there is none", async () => {
  const own = await find(where({ own: "/own/python", run: async () => OK }));
  assert.equal(own?.origin, "aiex's own environment");
  assert.equal(await find(where({})), undefined);
});

test("the selected Python is asked without the project's own modules", async () => {
  const ran: string[][] = [];
  const run = async (_: string, args: string[]) => {
    ran.push(args);
    return OK;
  };
  await find(where({ python: "/py", run }));
  assert.equal(ran[0]?.[0], "-P");
});

/** An environment that was made whole before, by another wheel. */
function madeBefore(name: string): string {
  const python = program(name, "bin", "python");
  writeFileSync(join(folder, name, "aiex-source.txt"), "aiex-1.whl");
  return python;
}

function making(answers: (args: string[]) => Ran, ran: string[][] = []) {
  return {
    folder: join(folder, "made"),
    source: "/x/aiex.whl",
    pythons: ["/old/python3", "/new/python3"],
    windows: false,
    run: async (command: string, args: string[]) => {
      ran.push([command, ...args]);
      return answers([command, ...args]);
    },
    report: () => undefined,
    log: () => undefined,
  };
}

test("the first Python that is new enough makes the environment", async () => {
  const ran: string[][] = [];
  const python = await make(making((all) => (all[0] === "/old/python3" ? FAILED : OK), ran));
  assert.equal(python, join(folder, "made", "bin", "python"));
  assert.deepEqual(ran[2], ["/new/python3", "-m", "venv", join(folder, "made")]);
  assert.equal(ran[3]?.at(-1), "/x/aiex.whl[embedded]");
});

test("where the engine of the built-in model cannot be installed, the rest is", async () => {
  const ran: string[][] = [];
  await make(making((all) => (all.at(-1)?.endsWith("[embedded]") ? FAILED : OK), ran));
  assert.equal(ran.at(-1)?.at(-1), "/x/aiex.whl");
});

test("an environment is brought up to date where the extension brings another server", async () => {
  const made = join(folder, "old");
  madeBefore("old");
  assert.equal(isOld(made, "/x/aiex-2.whl"), true);
  const ran: string[][] = [];
  await make({ ...making(() => OK, ran), folder: made, source: "/x/aiex-2.whl" });
  assert.equal(isOld(made, "/x/aiex-2.whl"), false);
  assert.deepEqual(
    ran.map((one) => one[2]),
    ["pip"],
    "it is not made anew",
  );
});

test("without the network an environment that is there still serves", async () => {
  const made = join(folder, "offline");
  const python = madeBefore("offline");
  assert.equal(await make({ ...making(() => FAILED), folder: made }), python);
  assert.equal(isOld(made, "/x/aiex.whl"), true, "it is tried again next time");
});

test("one that was left half made is made anew, and is no server where that fails", async () => {
  const made = join(folder, "half");
  program("half", "bin", "python");
  const failing = make({ ...making((all) => (all[2] === "pip" ? FAILED : OK)), folder: made });
  await assert.rejects(failing, NoServer);
  assert.equal(existsSync(made), false);
});

for (const [what, fails, next] of [
  ["no Python", (all: string[]) => all[1] === "-c", /Install Python/],
  ["no venv", (all: string[]) => all[2] === "venv", /python3-venv/],
  ["no network", (all: string[]) => all[2] === "pip", /aiex\.server\.command/],
] as const) {
  test(`${what}: the error says what to do`, async () => {
    const wrong = make(making((all) => (fails(all) ? FAILED : OK)));
    await assert.rejects(wrong, (error: NoServer) => next.test(error.next));
  });
}

test("Pythons are looked for on PATH, the wheel in the extension", () => {
  const bin = join(program("python", "python3.12"), "..");
  assert.deepEqual(pythonsOnPath(bin, false), [join(bin, "python3.12")]);
  const wheel = program("wheels", "aiex_lsp-1-py3-none-any.whl");
  assert.equal(bundledWheel(join(wheel, "..")), wheel);
  assert.equal(bundledWheel(join(folder, "nowhere")), undefined);
});

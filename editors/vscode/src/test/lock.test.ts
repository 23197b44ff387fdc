import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { locked } from "../server/lock";

const folder = mkdtempSync(join(tmpdir(), "aiex-lock-"));
after(() => rmSync(folder, { recursive: true }));

const unexpected = () => assert.fail("it waited");

function held(name: string, pid: number): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify({ id: "other", pid, host: hostname() }));
  return path;
}

/** Returns the number of a process that has ended. */
function ended(): number {
  return spawnSync(process.execPath, ["-e", ""]).pid;
}

test("work under one lock is done one after the other, and the second is told that it waits", async () => {
  const path = join(folder, "new", "two.lock");
  const seen: string[] = [];
  let release: () => void = () => undefined;
  const first = locked(path, { waits: unexpected }, async () => {
    seen.push("first begins");
    await new Promise<void>((resolve) => (release = resolve));
    seen.push("first ends");
  });
  while (!existsSync(path)) await new Promise(setImmediate);
  const waits = () => {
    seen.push("second waits");
    release();
  };
  await locked(path, { waits }, async () => seen.push("second begins"));
  await first;
  assert.deepEqual(seen, ["first begins", "second waits", "first ends", "second begins"]);
  assert.deepEqual(readdirSync(join(folder, "new")), []);
});

test("the lock of a process that has ended holds nobody up, however many come at once", async () => {
  const path = held("stale.lock", ended());
  let inside = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++inside);
    await new Promise(setImmediate);
    inside -= 1;
    return "done";
  };
  const all = [1, 2, 3].map(() => locked(path, { waits: () => undefined }, work));
  assert.deepEqual(await Promise.all(all), ["done", "done", "done"]);
  assert.equal(most, 1);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith("stale")),
    [],
  );
});

test("who does not want to wait is let go, and the other keeps its lock", async () => {
  const path = held("kept.lock", process.pid);
  const abort = new AbortController();
  const waits = () => abort.abort();
  const given = await locked(path, { signal: abort.signal, waits }, async () => "done");
  assert.equal(given, undefined);
  assert.equal(existsSync(path), true);
});

test("work that fails lets go of its lock", async () => {
  const path = join(folder, "failed.lock");
  const failing = locked(path, { waits: unexpected }, () => Promise.reject(new Error("no")));
  await assert.rejects(failing, /no/);
  assert.equal(existsSync(path), false);
});

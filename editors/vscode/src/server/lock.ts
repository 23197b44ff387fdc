import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** How a lock is waited for. */
export interface Waiting {
  /** Aborted where the programmer does not want to wait. */
  signal?: AbortSignal;
  /** Told once, where another process holds the lock. */
  waits(): void;
}

interface Holder {
  id: string;
  pid: number;
  host: string;
}

const LOOK = 250;
/** A holder touches its lock so often. */
const BEAT = 5000;
/** So many looks without a touch: its process hangs, or its number is another program's by now. */
const PATIENCE = 240;

/**
 * Returns what `work` returns; meanwhile no other process does work under the same lock. The lock
 * of a process that has ended holds nobody up. Undefined where waiting for it was given up.
 */
export async function locked<T>(
  path: string,
  { signal, waits }: Waiting,
  work: () => Promise<T>,
): Promise<T | undefined> {
  await mkdir(dirname(path), { recursive: true });
  const id = randomUUID();
  let told = false;
  let before = "";
  let looks = 0;
  while (!(await take(path, id))) {
    if (signal?.aborted) return undefined;
    const { holder, touched } = await look(path);
    looks = touched === before ? looks + 1 : 0;
    before = touched;
    if (holder !== undefined && (ended(holder) || looks > PATIENCE)) {
      await clear(path, holder);
      continue;
    }
    if (!told) waits();
    told = true;
    await sleep(LOOK, undefined, { signal }).catch(() => undefined);
  }
  const beat = setInterval(() => {
    const now = new Date();
    void utimes(path, now, now).catch(() => undefined);
  }, BEAT);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    if (read(await text(path))?.id === id) await rm(path, { force: true });
  }
}

/** Returns whether the lock was free and is ours now. */
async function take(path: string, id: string): Promise<boolean> {
  const holder: Holder = { id, pid: process.pid, host: hostname() };
  try {
    await writeFile(path, JSON.stringify(holder), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Returns what the lock says, undefined where it is gone, and when it was touched. */
async function look(path: string): Promise<{ holder: string | undefined; touched: string }> {
  const holder = await text(path);
  const touched = await stat(path).catch(() => undefined);
  return { holder, touched: `${holder} ${touched?.mtimeMs}` };
}

function ended(content: string): boolean {
  const holder = read(content);
  // Another process may be writing it; another machine's processes are not to be seen.
  if (holder?.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    // A process of another user is one.
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Removes the lock if it still is that holder's: another process may have cleared it first. */
async function clear(path: string, holder: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await text(aside)) !== holder) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

function text(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

function read(content: string | undefined): Holder | undefined {
  try {
    const { id, pid, host } = JSON.parse(content ?? "") as Holder;
    return { id, pid, host };
  } catch {
    return undefined;
  }
}

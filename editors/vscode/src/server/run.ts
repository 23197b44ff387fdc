import { execFile } from "node:child_process";

/** What a program said: what it wrote, and where it failed its errors too. */
export interface Ran {
  ok: boolean;
  output: string;
}

/** Returns what a program wrote and whether it ended well; never throws. */
export function run(command: string, args: string[], timeout = 20_000, signal?: AbortSignal) {
  return new Promise<Ran>((resolve) => {
    execFile(
      command,
      args,
      { timeout, signal, windowsHide: true, maxBuffer: 8 << 20 },
      (error, stdout, stderr) => {
        const output = error ? `${stdout}${stderr}`.trim() || error.message : stdout.trim();
        resolve({ ok: !error, output });
      },
    );
  });
}

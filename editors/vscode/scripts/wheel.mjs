// Puts the server's wheel into the extension, for where there is no server yet.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";

const root = "../..";
const own = process.platform === "win32" ? ".venv/Scripts/python.exe" : ".venv/bin/python";
const candidates = [process.env.PYTHON, `${root}/${own}`, "python3", "python"].filter(Boolean);
// Built beside and moved: another build that packs meanwhile finds the wheel.
const beside = `out/wheel-${process.pid}`;

for (const python of candidates) {
  if (python.includes("/") && !existsSync(python)) continue;
  try {
    const pip = ["-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"];
    execFileSync(python, [...pip, "--wheel-dir", beside, root], { stdio: "inherit" });
    break;
  } catch {
    // The next one may have pip.
  }
}
const wheel = existsSync(beside) && readdirSync(beside).find((name) => name.endsWith(".whl"));
if (!wheel) {
  console.error("The server's wheel could not be built: the extension would not find a server.");
  process.exit(1);
}
mkdirSync("server", { recursive: true });
renameSync(`${beside}/${wheel}`, `server/${wheel}`);
for (const old of readdirSync("server")) if (old !== wheel) rmSync(`server/${old}`);
rmSync(beside, { recursive: true });

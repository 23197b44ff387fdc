// Puts the server's wheel into the extension, for where there is no server yet.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";

const root = "../..";
const own = process.platform === "win32" ? ".venv/Scripts/python.exe" : ".venv/bin/python";
const candidates = [process.env.PYTHON, `${root}/${own}`, "python3", "python"].filter(Boolean);

rmSync("server", { recursive: true, force: true });
for (const python of candidates) {
  if (python.includes("/") && !existsSync(python)) continue;
  try {
    const pip = ["-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"];
    execFileSync(python, [...pip, "--wheel-dir", "server", root], { stdio: "inherit" });
    break;
  } catch {
    // The next one may have pip.
  }
}
if (!existsSync("server") || !readdirSync("server").some((name) => name.endsWith(".whl"))) {
  console.error("The server's wheel could not be built: the extension would not find a server.");
  process.exit(1);
}

// Bundles the extension, the script of its answers view, and with --tests the unit tests.
import { readdirSync } from "node:fs";
import { build } from "esbuild";

const tests = process.argv.includes("--tests");
const common = { bundle: true, sourcemap: tests, minify: !tests, logLevel: "warning" };
const host = { ...common, platform: "node", format: "cjs", target: "node18" };

if (tests) {
  const entryPoints = readdirSync("src/test").map((name) => `src/test/${name}`);
  await build({ ...host, entryPoints, outdir: "out/test", external: ["vscode", "node:test"] });
} else {
  await build({
    ...host,
    entryPoints: ["src/extension.ts"],
    outfile: "out/extension.js",
    external: ["vscode"],
  });
  await build({
    ...common,
    entryPoints: ["webview/main.ts"],
    outfile: "out/webview.js",
    format: "iife",
    target: "es2022",
  });
}

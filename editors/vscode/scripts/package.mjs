// Writes dist/aiex-lsp.vsix.
import { mkdirSync } from "node:fs";
import { createVSIX } from "@vscode/vsce";

mkdirSync("dist", { recursive: true });
await createVSIX({ packagePath: "dist/aiex-lsp.vsix", dependencies: false });

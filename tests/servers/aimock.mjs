// aimock's own command line, ended by the end of standard input: it never outlives the test run.
process.stdin.resume().on("end", () => process.exit(0));
await import("../../.tools/node_modules/@copilotkit/aimock/dist/cli.js");

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Keys, variableOf } from "../keys";
import { HERE, keysInSettings, OWN, serverKeys, serverSettings, type Inspected } from "../settings";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));

function sent(written: Record<string, Inspected>, keys: Record<string, string> = {}) {
  return serverSettings(serverKeys(manifest), (name) => written[name], keys);
}

const defaults = { hover: { mode: "cached" }, edits: { confirm: "always" } };

test("nothing is sent that nobody wrote, but as defaults what holds in VS Code", () => {
  assert.deepEqual(sent({}), { defaults });
});

test("what was written is sent under the server's names; the narrower place wins", () => {
  const found = sent({
    strategy: { globalValue: "random", workspaceValue: "round_robin" },
    "hover.mode": { globalValue: "on" },
    "cache.ttl": { globalValue: 0 },
    default_provider: { globalValue: "" },
  });
  assert.deepEqual(found, {
    strategy: "round_robin",
    hover: { mode: "on" },
    cache: { ttl: 0 },
    defaults,
  });
});

test("the extension's own settings are not the server's", () => {
  const names = serverKeys(manifest);
  for (const own of OWN) assert.ok(!names.includes(own), own);
  for (const here of Object.keys(HERE)) assert.ok(names.includes(here), here);
});

test("a key that somebody wrote into the settings is not sent, and is reported", () => {
  const providers = { globalValue: { openai: { api_key: "sk-secret", base_url: "http://x" } } };
  const found = sent({ providers });
  assert.deepEqual(found["providers"], { openai: { base_url: "http://x" } });
  assert.deepEqual(keysInSettings(providers.globalValue), ["openai"]);
  assert.doesNotMatch(JSON.stringify(found), /sk-secret/);
});

test("a key that VS Code keeps is named by its variable", () => {
  const found = sent(
    { providers: { globalValue: { work: { type: "openai" } } } },
    { work: "AIEX_KEY_WORK" },
  );
  assert.deepEqual(found["providers"], {
    work: { type: "openai", api_key: { env: "AIEX_KEY_WORK" } },
  });
});

test("a provider's key is given in the variable its own tools use, others in one of ours", () => {
  assert.deepEqual(["anthropic", "openai", "work-gateway"].map(variableOf), [
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "AIEX_KEY_WORK_GATEWAY",
  ]);
});

test("keys live in the secret storage alone; the state keeps names", async () => {
  const secrets = new Map<string, string>();
  const state = new Map<string, unknown>();
  const keys = new Keys(
    {
      get: async (name: string) => secrets.get(name),
      store: async (name: string, key: string) => void secrets.set(name, key),
      delete: async (name: string) => void secrets.delete(name),
    } as never,
    {
      get: (name: string, otherwise: unknown) => state.get(name) ?? otherwise,
      update: async (name: string, value: unknown) => void state.set(name, value),
    } as never,
  );
  await keys.set("openai", "sk-1");
  await keys.set("work", "sk-2");
  assert.deepEqual(await keys.environment(), { OPENAI_API_KEY: "sk-1", AIEX_KEY_WORK: "sk-2" });
  assert.doesNotMatch(JSON.stringify([...state]), /sk-/);
  await keys.remove("openai");
  assert.deepEqual(await keys.environment(), { AIEX_KEY_WORK: "sk-2" });
  assert.deepEqual(keys.variables(), { work: "AIEX_KEY_WORK" });
});

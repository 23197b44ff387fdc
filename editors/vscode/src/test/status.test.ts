import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProviderHealth, ProviderStatus } from "../protocol";
import { bar, hasModel, standing, tooltip } from "../status/text";

const NONE = { current: 0, limit: null, remaining: null };
const OPENAI: ProviderStatus = {
  provider: "openai",
  type: "openai",
  local: false,
  status: "healthy",
  responseTimeMs: 123.4,
  lastCheck: null,
  error: null,
  circuit: { state: "closed", failureCount: 0, lastFailure: null, retryAt: null },
  rateLimit: { requests: { current: 1, limit: 60, remaining: 59 }, tokens: NONE },
  model: "gpt",
  inFlight: 0,
  requestCount: 1,
  lastSelected: null,
};
const OLLAMA: ProviderStatus = {
  ...OPENAI,
  provider: "ollama",
  status: "unhealthy",
  responseTimeMs: null,
  circuit: { state: "open", failureCount: 5, lastFailure: null, retryAt: "2026-01-01T12:34:00Z" },
  rateLimit: { requests: NONE, tokens: NONE },
};

function health(severity: ProviderHealth["summary"]["severity"], text: string): ProviderHealth {
  return {
    summary: { text, tooltip: "", severity },
    active: { provider: "openai", model: "gpt", strategy: "load_balanced" },
    providers: [OPENAI, OLLAMA],
    todayCost: 0.12,
  };
}

test("all is well: provider, model and price, without colour", () => {
  assert.deepEqual(bar("running", health("ok", "openai · gpt · $0.12")), {
    text: "$(sparkle) openai · gpt · $0.12",
    label: "aiex ready: openai · gpt · $0.12",
    colour: undefined,
  });
});

test("trouble has the colour of a warning or an error, and is said to screen readers", () => {
  const warning = bar("running", health("warning", "openai ⚠ circuit open"));
  assert.equal(warning.text, "$(warning) openai: circuit open");
  assert.equal(warning.colour, "statusBarItem.warningBackground");
  const error = bar("running", health("error", "openai ⚠ not reachable"));
  assert.equal(error.colour, "statusBarItem.errorBackground");
  assert.match(error.label, /^aiex has an error/);
});

test("it spins while a model works, for this window or for another", () => {
  assert.match(bar("running", health("busy", "openai")).text, /^\$\(sync~spin\) openai/);
  assert.match(bar("running", health("ok", "openai"), true).text, /^\$\(sync~spin\)/);
});

test("without a server it says why", () => {
  assert.match(bar("untrusted").label, /not trusted/);
  assert.match(bar("starting").text, /spin/);
  assert.equal(bar("failed").colour, "statusBarItem.errorBackground");
  assert.equal(bar("stopped", health("ok", "openai")).text, "$(debug-disconnect) aiex");
});

test("the tooltip has a row a provider: status, latency, circuit, limits; and today's cost", () => {
  const text = tooltip("running", health("ok", "openai"));
  assert.match(
    text,
    /\| `openai` \| \$\(pass\) healthy \| 123 ms \| closed \| 59 of 60 requests \|/,
  );
  assert.match(
    text,
    /\| `ollama` \| \$\(warning\) unhealthy \| – \| open until 12:34 UTC \| no limit \|/,
  );
  assert.match(text, /Today: \$0.12/);
});

test("a provider's name cannot break the table", () => {
  const odd = { ...health("ok", "x"), providers: [{ ...OPENAI, provider: "a|b`c\nd" }] };
  assert.match(tooltip("running", odd), /\| `a b c d` \|/);
});

test("how a provider stands is told in a few words", () => {
  assert.equal(standing(OPENAI), "healthy · 123 ms");
  assert.equal(standing({ ...OLLAMA, error: "refused" }), "unhealthy · circuit open · refused");
});

test("a model of one's own is one that answers and did not come along", () => {
  const known = health("ok", "x");
  assert.equal(hasModel(known), true);
  const builtIn: ProviderStatus = { ...OPENAI, provider: "embedded", type: "embedded" };
  assert.equal(hasModel({ ...known, providers: [OLLAMA, builtIn] }), false);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { doctorPage, fenced, promptPage, usagePage } from "../pages";
import { told } from "../tasks/methods";

test("the doctor's page has a line a check, with its remedy", () => {
  const check = {
    id: "key",
    provider: "openai",
    status: "error",
    message: "No key",
    remedy: "Set it",
  };
  const text = doctorPage({ ok: false, checks: [check as never] });
  assert.match(text, /cannot be asked[^]*- ✗ \*\*openai\*\*: No key  \n  \*Set it\*/);
});

test("usage is told by provider, model and day; days without requests are left out", () => {
  const one = {
    requests: 4,
    successRate: 0.75,
    averageResponseTimeMs: 812.4,
    inputTokens: 100,
    outputTokens: 50,
    cost: 0.5,
    unpricedAnswers: 0,
  };
  const text = usagePage({
    days: 7,
    total: one,
    providers: [{ ...one, provider: "openai" }],
    models: [{ ...one, model: "gpt" }],
    byDay: [
      { ...one, day: "2026-01-01" },
      { ...one, requests: 0, day: "2026-01-02" },
    ],
  });
  assert.match(text, /^4 requests in 7 days, \$0\.50\./);
  assert.match(text, /\| openai \| 4 \| 75 % \| 812 ms \| 100 \+ 50 \| \$0\.50 \|/);
  assert.doesNotMatch(text, /2026-01-02/);
});

test("no use at all is said in one sentence", () => {
  const none = { requests: 0 } as never;
  const text = usagePage({ days: 7, total: none, providers: [], models: [], byDay: [] });
  assert.equal(text, "No model was asked in the last 7 days.");
});

test("a prompt is shown with tokens, price and hidden secrets; fences in it do not end it", () => {
  const text = promptPage({
    messages: [{ role: "user", content: "````md\nx\n````" }],
    inputTokens: 12,
    estimatedCost: null,
    provider: "openai",
    model: "gpt",
    redactions: ["aws-key"],
  });
  assert.match(text, /Would go to openai · gpt: 12 tokens, price not known\. Nothing was sent\./);
  assert.match(text, /1 secret would be replaced\./);
  assert.match(text, /`````\n````md/);
  assert.equal(fenced("x"), "```\nx\n```");
});

test("a cancelled call is no failure; a failure may bring what a model wrote in vain", () => {
  assert.equal(told({ code: -32800, message: "cancelled" }), undefined);
  assert.deepEqual(told({ code: -32803, message: "No code", data: { text: "Sorry" } }), {
    message: "No code",
    text: "Sorry",
  });
  assert.deepEqual(told(new Error("x")), { message: "x" });
});

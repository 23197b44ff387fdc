import assert from "node:assert/strict";
import { test } from "node:test";
import { answerId, Conversations, isWriting, type Conversation } from "../answers/conversation";
import { dollars, metaLine } from "../answers/meta";
import { render } from "../answers/render";
import { Joined } from "../answers/stream";
import { page, shown } from "../answers/view";
import type { AnswerInfo } from "../protocol";

const INFO: AnswerInfo = {
  id: "a1",
  provider: "openai",
  model: "gpt",
  usage: { inputTokens: 10, outputTokens: 20 },
  cost: 0.0123,
  durationMs: 1500,
  cached: false,
  attempts: [],
};

function conversation(id: string, more: Partial<Conversation> = {}): Conversation {
  return { id, title: `Explain \`${id}\``, at: new Date(0), turns: [], ...more };
}

test("deltas join; after a restart the text begins anew, by another provider", () => {
  const joined = new Joined();
  for (const delta of ["Adds ", "up"]) joined.add({ delta });
  assert.equal(joined.text, "Adds up");
  joined.add({ restart: true, provider: "ollama" });
  joined.add({ delta: "Sums" });
  assert.equal(joined.text, "Sums");
  assert.equal(joined.provider, "ollama");
});

test("the line under an answer names provider, model, price, tokens and time", () => {
  assert.equal(metaLine(INFO), "openai · gpt · $0.01 · 10 + 20 tokens · 1.5 s");
  assert.equal(metaLine({ ...INFO, cached: true }), "openai · gpt · cached");
  assert.equal(metaLine({ ...INFO, cost: null }), "openai · gpt · 10 + 20 tokens · 1.5 s");
});

test("an answer of a fallback says instead of whom", () => {
  const failed = { provider: "anthropic", model: null, outcome: "overloaded", durationMs: 5 };
  const attempts = [failed, failed, { ...failed, provider: "openai", outcome: "ok" }];
  assert.match(metaLine({ ...INFO, attempts }), / · instead of anthropic$/);
});

test("small prices are not rounded to nothing", () => {
  assert.deepEqual([0, 0.0004, 0.25, 3].map(dollars), ["$0", "$0.0004", "$0.25", "$3.00"]);
});

test("no HTML, script, picture or command of an answer's own reaches the view", () => {
  const html = render(
    "<script>alert(1)</script> <img src=x onerror=alert(1)>\n\n" +
      "![spy](https://spy.example/x.png) [run](command:aiex.restart) [js](javascript:alert(1))",
  );
  assert.doesNotMatch(html, /<script|<img|href="command:|href="javascript:/);
  assert.match(html, /<a href="https:\/\/spy.example\/x.png">spy<\/a>/);
});

test("links of the web stay links", () => {
  assert.match(render("[docs](https://example.org)"), /<a href="https:\/\/example.org">docs<\/a>/);
});

test("a block of code has a button to copy it, named for screen readers", () => {
  const html = render("```text\nprint('<b>')\n```");
  assert.match(html, /<button class="copy"[^>]* aria-label="Copy text code">/);
  assert.match(html, /print\('&lt;b&gt;'\)/);
});

test("code is coloured by words, and nothing of it becomes HTML", () => {
  const html = render("```python\ndef f(): return '<script>'\n```");
  assert.match(html, /<span class="hljs-keyword">def<\/span>/);
  assert.match(html, /&lt;script&gt;/);
  assert.doesNotMatch(html, /<script/);
});

test("a block that is not closed yet is shown as code while it is written", () => {
  assert.match(render("Look:\n\n```go\nfunc f("), /<code data-language="go">.*func.*f.*\(/);
});

test("while an answer is written it can be cancelled, not asked about", () => {
  const one = conversation("total", {
    turns: [{ markdown: "Adds", state: "writing", note: "asking ollama" }],
  });
  const seen = shown(one);
  assert.deepEqual(
    [seen.title, seen.status, seen.writing, seen.canAsk, seen.meta],
    ["Explain total", "asking ollama", true, false, ""],
  );
  assert.equal(isWriting(one), true);
});

test("an answer that is done can be asked about; its question stands above the next", () => {
  const seen = shown(
    conversation("total", {
      turns: [
        { markdown: "Adds.", state: "done", note: "", info: INFO },
        { question: "Why <b>?", markdown: "So.", state: "done", note: "", info: INFO },
      ],
    }),
  );
  assert.equal(seen.canAsk, true);
  assert.match(seen.turns[1]?.html ?? "", /<h2 class="question">Why &lt;b&gt;\?<\/h2>/);
  assert.match(seen.meta, /^openai/);
});

test("a failure is told under what was written", () => {
  const turns = [{ markdown: "Half", state: "failed" as const, note: "No provider" }];
  const { html } = shown(conversation("x", { turns })).turns[0] ?? { html: "" };
  assert.match(html, /Half[^]*<p class="note failed">No provider<\/p>/);
});

test("the page lets only its own script run, and loads nothing from elsewhere", () => {
  const html = page("n0nce", "https://own", "https://own/w.js", "https://own/a.css");
  assert.match(html, /default-src 'none'; style-src https:\/\/own; script-src 'nonce-n0nce'"/);
  for (const id of ["answer", "cancel", "followup", "ask", "meta"]) {
    assert.match(html, new RegExp(`id="${id}"`));
  }
  assert.match(html, /id="answer" aria-live="polite"/);
});

test("the last conversations are kept, the newest first", () => {
  const kept = new Conversations(2);
  const [a, b, c] = ["a", "b", "c"].map((id) => conversation(id));
  for (const one of [a, b, c, b]) if (one) kept.keep(one);
  assert.deepEqual(
    kept.all().map((one) => one.id),
    ["b", "c"],
  );
  assert.equal(kept.newest(), undefined, "none of them has an answer that can be asked about");
});

test("a follow-up is about the last answer", () => {
  const turns = [
    { markdown: "", state: "done" as const, note: "", info: INFO },
    { markdown: "", state: "done" as const, note: "", info: { ...INFO, id: "a2" } },
    { markdown: "", state: "failed" as const, note: "" },
  ];
  assert.equal(answerId(conversation("x", { turns })), "a2");
});

/** Texts made of what the server knows: the doctor's, usage and cost, a prompt. */
import { dollars } from "./answers/meta";
import type { Diagnosis, RenderedPrompt } from "./protocol";

const SIGN = { ok: "✓", warning: "⚠", error: "✗", skipped: "–" };

/** Returns the doctor's checks as markdown. */
export function doctorPage(found: Diagnosis): string {
  const lines = found.checks.map((one) => {
    const remedy = one.remedy ? `  \n  *${one.remedy}*` : "";
    return `- ${SIGN[one.status]} ${one.provider ? `**${one.provider}**: ` : ""}${one.message}${remedy}`;
  });
  const head = found.ok
    ? "All providers in use can be asked."
    : "A provider in use cannot be asked.";
  return [head, "", ...lines].join("\n");
}

/** What `aiex/usage` tells of one provider, model or of all. */
interface Summary {
  requests: number;
  successRate: number;
  averageResponseTimeMs: number;
  inputTokens: number;
  outputTokens: number;
  cost: number;
  unpricedAnswers: number;
}

/** The part of `aiex/usage` that is shown. */
export interface Usage {
  days: number;
  total: Summary;
  providers: (Summary & { provider: string })[];
  models: (Summary & { provider?: string; model: string })[];
  byDay: (Summary & { day: string })[];
}

/** Returns what was used in the last days as markdown. */
export function usagePage(usage: Usage): string {
  const { total } = usage;
  if (total.requests === 0) return `No model was asked in the last ${usage.days} days.`;
  return [
    `${total.requests} requests in ${usage.days} days, ${priced(total)}.`,
    table(
      "provider",
      usage.providers.map((one) => [one.provider, one]),
    ),
    table(
      "model",
      usage.models.map((one) => [one.model, one]),
    ),
    table(
      "day",
      usage.byDay.filter((one) => one.requests > 0).map((one) => [one.day, one]),
    ),
  ].join("\n\n");
}

/** Returns the messages that would be sent to a model as markdown; nothing was sent. */
export function promptPage(prompt: RenderedPrompt): string {
  const cost =
    prompt.estimatedCost === null ? "price not known" : `about ${dollars(prompt.estimatedCost)}`;
  const who = [prompt.provider, prompt.model].filter(Boolean).join(" · ") || "no provider";
  const hidden = prompt.redactions.length;
  const head = `Would go to ${who}: ${prompt.inputTokens} tokens, ${cost}. Nothing was sent.`;
  const secrets = hidden ? `${hidden} secret${hidden > 1 ? "s" : ""} would be replaced.` : "";
  const parts = prompt.messages.map((one) => `## ${one.role}\n\n${fenced(one.content)}`);
  return [head, secrets, ...parts].filter(Boolean).join("\n\n");
}

/** Returns text in a fence that is longer than any in it. */
export function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}

function table(name: string, rows: [string, Summary][]): string {
  const lines = rows.map(([label, one]) => {
    const rate = `${Math.round(one.successRate * 100)} %`;
    const latency = `${Math.round(one.averageResponseTimeMs)} ms`;
    const tokens = `${one.inputTokens} + ${one.outputTokens}`;
    return `| ${label} | ${one.requests} | ${rate} | ${latency} | ${tokens} | ${priced(one)} |`;
  });
  const head = `| ${name} | requests | success | answered in | tokens | cost |`;
  return [head, "|---|---|---|---|---|---|", ...lines].join("\n");
}

function priced(one: Summary): string {
  return dollars(one.cost) + (one.unpricedAnswers > 0 ? " and more: not all prices are known" : "");
}

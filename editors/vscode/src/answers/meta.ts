import type { AnswerInfo } from "../protocol";

/** Returns US dollars as people read them. */
export function dollars(cost: number): string {
  if (cost === 0) return "$0";
  return cost >= 0.01 ? `$${cost.toFixed(2)}` : `$${cost.toFixed(4)}`;
}

/** Returns the line under an answer: provider, model, price, time, and who failed before. */
export function metaLine(info: AnswerInfo): string {
  const parts = [info.provider];
  if (info.model) parts.push(info.model);
  if (info.cached) parts.push("cached");
  else {
    if (info.cost !== null) parts.push(dollars(info.cost));
    parts.push(`${info.usage.inputTokens} + ${info.usage.outputTokens} tokens`);
    parts.push(`${(info.durationMs / 1000).toFixed(1)} s`);
  }
  const failed = info.attempts.filter((one) => one.provider !== info.provider);
  const names = [...new Set(failed.map((one) => one.provider))];
  if (names.length > 0) parts.push(`instead of ${names.join(", ")}`);
  if (info.note) parts.push(info.note);
  return parts.join(" · ");
}

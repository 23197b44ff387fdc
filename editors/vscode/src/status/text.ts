import { dollars } from "../answers/meta";
import type { ProviderHealth, ProviderStatus, Window } from "../protocol";

/** Where the server stands, as the status bar tells it. */
export type ServerState = "starting" | "running" | "stopped" | "untrusted" | "failed" | "paused";

export interface Bar {
  text: string;
  /** What a screen reader says. */
  label: string;
  colour: "statusBarItem.warningBackground" | "statusBarItem.errorBackground" | undefined;
}

const WITHOUT_SERVER: Record<Exclude<ServerState, "running">, [string, string]> = {
  starting: ["$(sync~spin) aiex", "aiex is starting"],
  stopped: ["$(debug-disconnect) aiex", "aiex does not run"],
  untrusted: ["$(shield) aiex", "aiex is off: this workspace is not trusted"],
  failed: ["$(error) aiex", "aiex could not start"],
  paused: ["$(debug-pause) aiex paused", "aiex is paused"],
};

/** Returns the status bar's item; `working` is whether work of this window goes on. */
export function bar(state: ServerState, health?: ProviderHealth, working = false): Bar {
  if (state !== "running") {
    const [text, label] = WITHOUT_SERVER[state];
    const colour = state === "failed" ? "statusBarItem.errorBackground" : undefined;
    return { text, label, colour };
  }
  const severity = health?.summary.severity ?? "ok";
  const name = health?.summary.text || "aiex";
  const busy = working || severity === "busy";
  const icon = busy ? "sync~spin" : { ok: "sparkle", warning: "warning", error: "error" }[severity];
  // The icon says it: the sign in the text would say it twice.
  const text = `$(${icon}) ${busy ? name : name.replace(" ⚠ ", ": ")}`;
  const said = busy
    ? "busy"
    : { ok: "ready", warning: "has a warning", error: "has an error" }[severity];
  const colour =
    busy || severity === "ok"
      ? undefined
      : (`statusBarItem.${severity}Background` as Bar["colour"]);
  return { text, label: `aiex ${said}: ${name}`, colour };
}

/** Returns the tooltip: a table of the providers that matter, and what today has cost. */
export function tooltip(state: ServerState, health?: ProviderHealth): string {
  if (state !== "running") return `${WITHOUT_SERVER[state][1]}. Click for what to do.`;
  if (!health) return "aiex: nothing is known of the providers yet.";
  const { active } = health;
  const lines = [
    `**aiex** — ${active.provider ? code(active.provider) : "no provider chosen"}` +
      `${active.model ? ` ${code(active.model)}` : ""} · strategy ${code(active.strategy)}`,
    "",
    "| provider | status | latency | circuit | left this minute |",
    "|---|---|---|---|---|",
    ...byUse(health.providers).map(row),
    "",
    `Today: ${health.todayCost === null ? "price not known" : dollars(health.todayCost)}`,
  ];
  return lines.join("\n");
}

/** Returns the providers that were asked first, then those that can be, then the others. */
export function byUse(found: readonly ProviderStatus[]): ProviderStatus[] {
  const rank = (one: ProviderStatus) => (one.lastSelected ? 0 : one.status === "healthy" ? 1 : 2);
  return [...found].sort((a, b) => rank(a) - rank(b));
}

/** Returns whether a model can be asked that the programmer chose: not the one that comes along. */
export function hasModel({ providers }: ProviderHealth): boolean {
  return providers.some((one) => one.type !== "embedded" && one.status === "healthy");
}

/** Returns in a few words how a provider stands. */
export function standing(one: ProviderStatus): string {
  const parts: string[] = [one.status];
  if (one.responseTimeMs !== null) parts.push(`${Math.round(one.responseTimeMs)} ms`);
  if (one.circuit.state !== "closed") parts.push(`circuit ${one.circuit.state.replace("_", " ")}`);
  if (one.error) parts.push(one.error);
  return parts.join(" · ");
}

const SIGN = {
  healthy: "$(pass)",
  unhealthy: "$(warning)",
  error: "$(error)",
  unknown: "$(question)",
};

function row(one: ProviderStatus): string {
  const latency = one.responseTimeMs === null ? "–" : `${Math.round(one.responseTimeMs)} ms`;
  const retry = one.circuit.retryAt ? ` until ${one.circuit.retryAt.slice(11, 16)} UTC` : "";
  const circuit =
    one.circuit.state === "closed" ? "closed" : one.circuit.state.replace("_", " ") + retry;
  const left = [limit("requests", one.rateLimit.requests), limit("tokens", one.rateLimit.tokens)];
  const status = `${SIGN[one.status]} ${one.status}`;
  const limits = left.filter(Boolean).join(", ") || "no limit";
  return `| ${code(one.provider)} | ${status} | ${latency} | ${circuit} | ${limits} |`;
}

function limit(name: string, window: Window): string {
  return window.remaining === null ? "" : `${window.remaining} of ${window.limit} ${name}`;
}

function code(text: string): string {
  return `\`${text.replace(/[`|\n]/g, " ")}\``;
}

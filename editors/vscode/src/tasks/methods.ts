/** The methods that ask a model: which answer in prose, and which change files. */

export const TEXT = ["aiex/explain", "aiex/analyze", "aiex/followUp"];
export const EDITS = ["aiex/generateTests", "aiex/fix", "aiex/document", "aiex/refactor"];
export const RUN = "aiex/run";

/** A response type whose result is an edit. */
export const CODE = "code_generation";

/** Returns what a piece of work is called before the server gives it its title. */
export function verb(method: string): string {
  const names: Record<string, string> = {
    "aiex/explain": "Explain",
    "aiex/analyze": "Analyze",
    "aiex/generateTests": "Generate tests",
    "aiex/fix": "Fix",
    "aiex/document": "Document",
    "aiex/refactor": "Refactor",
    "aiex/run": "Run",
  };
  return names[method] ?? "aiex";
}

export const CANCELLED = -32800;

/** Returns an error of the server's as it is told, undefined for a cancelled call. */
export function told(error: unknown): { message: string; text?: string } | undefined {
  const { code, message, data } = error as { code?: number; message?: string; data?: unknown };
  if (code === CANCELLED) return undefined;
  const text = (data as { text?: unknown } | undefined)?.text;
  const said = message || String(error);
  return typeof text === "string" && text.trim() ? { message: said, text } : { message: said };
}

/** What goes over the line to aiex-lsp; the server's own page of it is aiex_lsp/server/__init__.py. */

export interface Position {
  line: number;
  character: number;
}

export interface Range {
  start: Position;
  end: Position;
}

/** Params that say where a call is about. */
export interface Place {
  textDocument: { uri: string };
  range?: Range;
  position?: Position;
  [option: string]: unknown;
}

export interface Attempt {
  provider: string;
  model: string | null;
  outcome: string;
  durationMs: number;
}

/** Who answered, for what price. */
export interface AnswerInfo {
  id: string;
  provider: string;
  model: string | null;
  usage: { inputTokens: number; outputTokens: number };
  cost: number | null;
  durationMs: number;
  cached: boolean;
  attempts: Attempt[];
  note?: string;
}

/** Result of a method that answers in prose. */
export interface TextResult {
  markdown: string;
  answer: AnswerInfo;
}

/** Result of a method that changes files, run as a command that waits. */
export interface EditResult {
  applied?: boolean;
  targetUri: string;
  explanation: string;
  codeBlocks: { language: string; code: string; valid: boolean; error?: string }[];
  answer: AnswerInfo;
}

export interface Window {
  current: number;
  limit: number | null;
  remaining: number | null;
}

export interface ProviderStatus {
  provider: string;
  type: string;
  local: boolean;
  status: "healthy" | "unhealthy" | "error" | "unknown";
  responseTimeMs: number | null;
  lastCheck: string | null;
  error: string | null;
  circuit: {
    state: "closed" | "open" | "half_open";
    failureCount: number;
    lastFailure: string | null;
    retryAt: string | null;
  };
  rateLimit: { requests: Window; tokens: Window };
  model: string | null;
  inFlight: number;
  requestCount: number;
  lastSelected: string | null;
}

export interface Active {
  provider: string | null;
  model: string | null;
  strategy: string;
}

/** Params of the notification `aiex/providerHealth`. */
export interface ProviderHealth {
  summary: { text: string; tooltip: string; severity: "ok" | "warning" | "error" | "busy" };
  active: Active;
  providers: ProviderStatus[];
  todayCost: number | null;
}

/** Params of the notification `aiex/showMarkdown`. */
export interface ShownMarkdown {
  id: string;
  title: string;
  markdown: string;
  final: boolean;
}

export interface TemplateVariable {
  name: string;
  type: string;
  required: boolean;
  default: unknown;
  description: string;
  enum?: string[];
}

export interface Template {
  id: string;
  title: string;
  category: string;
  variables: TemplateVariable[];
  responseType: string;
  kind?: string;
}

export interface Model {
  provider: string;
  id: string;
  contextWindow?: number;
  local: boolean;
  price?: unknown;
}

export interface Check {
  id: string;
  provider: string | null;
  status: "ok" | "warning" | "error" | "skipped";
  message: string;
  remedy: string;
}

export interface Diagnosis {
  ok: boolean;
  checks: Check[];
}

export interface RenderedPrompt {
  messages: { role: string; content: string }[];
  inputTokens: number;
  estimatedCost: number | null;
  provider: string | null;
  model: string | null;
  redactions: unknown[];
}

/** One piece of a streamed answer. */
export interface Piece {
  delta?: string;
  restart?: boolean;
  provider?: string;
}

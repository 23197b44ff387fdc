// What the contract says of each answer, held strictly: a key too many is a fault like one too few.
import { lsp } from './session.mjs';

const is = (type) => (value) => (typeof value === type ? [] : [`not a ${type}: ${show(value)}`]);
const show = (value) => JSON.stringify(value)?.slice(0, 80);

export const string = is('string');
export const number = is('number');
export const boolean = is('boolean');
export const anything = () => [];
export const nothing = (value) => (value === null ? [] : [`not null: ${show(value)}`]);
export const maybe = (shape) => (value) => (value === null ? [] : shape(value));
export const one = (...words) => (value) =>
  (words.includes(value) ? [] : [`${show(value)} is none of ${words}`]);
export const list = (shape) => (value) =>
  (Array.isArray(value)
    ? value.flatMap((item, i) => shape(item).map((why) => `[${i}]${why}`))
    : [`not a list: ${show(value)}`]);
/** The LSP library's own check. */
export const lspType = (name) => (value) => (lsp[name].is(value) ? [] : [`no ${name}: ${show(value)}`]);

/** An object of exactly these keys; `key?` may be left out. */
export function object(keys) {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return [`not an object: ${show(value)}`];
    }
    const problems = [];
    const known = new Set();
    for (const [name, shape] of Object.entries(keys)) {
      const key = name.replace('?', '');
      known.add(key);
      if (value[key] === undefined) {
        if (key === name) problems.push(`.${key} is missing`);
      } else {
        problems.push(...shape(value[key]).map((why) => `.${key}: ${why}`));
      }
    }
    for (const key of Object.keys(value)) {
      if (!known.has(key)) problems.push(`.${key} is not in the contract`);
    }
    return problems;
  };
}

const time = (value) => (Number.isNaN(Date.parse(value)) ? [`no time: ${show(value)}`] : []);
const used = object({ current: number, limit: maybe(number), remaining: maybe(number) });

const answer = object({
  id: string, provider: string, model: string,
  usage: object({ inputTokens: number, outputTokens: number }),
  cost: maybe(number), durationMs: number, cached: boolean, 'note?': string,
  attempts: list(object({ provider: string, model: string, outcome: string, durationMs: number })),
});

const section = (value) =>
  object({ level: number, title: string, content: string, children: list(section) })(value);

const explanation = object({
  markdown: string, summary: string, sections: list(section), concepts: list(string), answer,
  codeReferences: list(object({ text: string, kind: string, 'line?': number })),
});

const severity = one('error', 'warning', 'information', 'hint');

const edit = object({
  edit: lspType('WorkspaceEdit'), targetUri: string, explanation: string, language: string, answer,
  codeBlocks: list(object({ language: string, code: string, valid: boolean, 'error?': string })),
  'applied?': boolean,
});

export const status = object({
  provider: string, type: string, local: boolean,
  status: one('healthy', 'unhealthy', 'error', 'unknown'),
  responseTimeMs: maybe(number), lastCheck: maybe(time), error: maybe(string),
  circuit: object({
    state: one('closed', 'open', 'half_open'), failureCount: number,
    lastFailure: maybe(time), retryAt: maybe(time),
  }),
  rateLimit: object({ requests: used, tokens: used }),
  model: maybe(string), inFlight: number, requestCount: number, lastSelected: maybe(time),
});

const selection = object({ provider: maybe(string), model: maybe(string), strategy: string });

/** The result of each request of ours. */
export const RESULTS = {
  'aiex/explain': explanation,
  'aiex/followUp': explanation,
  'aiex/analyze': object({
    markdown: string, answer,
    findings: list(object({
      range: lspType('Range'), severity, category: string, message: string, 'suggestion?': string,
    })),
  }),
  'aiex/generateTests': edit,
  'aiex/fix': edit,
  'aiex/document': edit,
  'aiex/refactor': edit,
  'aiex/run': explanation,
  'aiex/renderPrompt': object({
    messages: list(object({ role: one('system', 'user', 'assistant'), content: string })),
    inputTokens: number, estimatedCost: maybe(number), provider: string, model: string,
    redactions: list(string),
  }),
  'aiex/cancel': object({ cancelled: boolean }),
  'aiex/clearFindings': nothing,
  'aiex/templates': list(object({
    id: string, title: string, category: string, responseType: string, 'kind?': string,
    variables: list(object({
      name: string, type: string, required: boolean, default: anything, description: string,
      'enum?': list(anything), 'inject?': string,
    })),
  })),
  'aiex/providers': list(status),
  'aiex/checkHealth': list(status),
  'aiex/resetCircuit': status,
  'aiex/models': list(object({
    provider: string, id: string, local: boolean, 'contextWindow?': number,
    'price?': object({ inputPer1k: number, outputPer1k: number }),
  })),
  'aiex/selectProvider': selection,
  'aiex/clusterHealth': object({
    backend: one('sqlite', 'redis', 'memory'),
    members: list(object({ id: string, host: string, lastSeen: time, providers: list(status) })),
  }),
  'aiex/usage': object({
    days: number, from: time, to: time, total: anything, providers: list(anything),
    models: list(anything), tasks: list(anything), byDay: list(anything),
  }),
  'aiex/diagnoseConfig': object({
    ok: boolean,
    checks: list(object({
      id: string, provider: maybe(string), message: string, remedy: maybe(string),
      status: one('ok', 'warning', 'error', 'skipped'),
    })),
  }),
  'aiex/pause': object({ paused: boolean }),
};

const codeAction = object({
  title: string, kind: string, command: lspType('Command'), 'tags?': list(one(1)),
  'diagnostics?': list(lspType('Diagnostic')),
});

/** What the server may send of LSP and of ours, by method. */
export const SENT = {
  'textDocument/publishDiagnostics': object({
    uri: string, diagnostics: list(lspType('Diagnostic')), 'version?': number,
  }),
  'aiex/showMarkdown': object({ id: string, title: string, markdown: string, final: boolean }),
  'aiex/providerHealth': object({
    summary: object({
      text: string, tooltip: string, severity: one('ok', 'warning', 'error', 'busy'),
    }),
    active: selection, providers: list(status), todayCost: maybe(number),
  }),
  'workspace/applyEdit': object({ edit: lspType('WorkspaceEdit'), 'label?': string }),
  'window/workDoneProgress/create': object({ token: (v) => (string(v).length ? number(v) : []) }),
  'window/showMessage': object({ type: one(1, 2, 3, 4), message: string }),
  'window/logMessage': object({ type: one(1, 2, 3, 4, 5), message: string }),
  'workspace/configuration': object({
    items: list(object({ 'section?': string, 'scopeUri?': string })),
  }),
  'client/registerCapability': object({
    registrations: list(object({ id: string, method: string, 'registerOptions?': anything })),
  }),
  '$/progress': object({ token: anything, value: anything }),
};

export const ANSWERS = {
  'textDocument/codeAction': list(codeAction),
  'textDocument/hover': maybe(lspType('Hover')),
};

/** Return what is wrong with the messages of a session as JSON-RPC and as LSP. */
export function faults(messages) {
  return messages.flatMap((message) => {
    if (message.jsonrpc !== '2.0') return [`not JSON-RPC 2.0: ${show(message)}`];
    if (message.method) {
      const shape = SENT[message.method];
      if (!shape) return [`${message.method} is unknown`];
      return shape(message.params).map((why) => `${message.method}${why}`);
    }
    const both = Number('result' in message) + Number('error' in message);
    return both === 1 ? [] : [`result and error: ${show(message)}`];
  });
}

/** Return what is wrong with the order of work-done progress: begin, reports, end; nothing after. */
export function disorder(messages) {
  const state = new Map();
  const problems = [];
  for (const { method, params } of messages) {
    if (method !== '$/progress' || !params.value.kind) continue;
    const { token, value } = params;
    const before = state.get(token);
    const fits = { begin: before === undefined, report: before === 'on', end: before === 'on' };
    if (!fits[value.kind]) problems.push(`${token}: ${value.kind} while ${before}`);
    if (value.kind === 'begin' && !lsp.WorkDoneProgress.is(value)) {
      if (typeof value.title !== 'string') problems.push(`${token}: begins without a title`);
    }
    state.set(token, value.kind === 'end' ? 'over' : 'on');
  }
  for (const [token, last] of state) if (last !== 'over') problems.push(`${token} never ends`);
  return problems;
}

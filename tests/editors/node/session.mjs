// One connection to one server process, by the library VS Code itself is built on.
// Every message of the server is kept as it was on the wire.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.AIEX_TOOLS, 'package.json'));
export const lsp = require('vscode-languageserver-protocol/node');

const LIMIT = 12_000;

/** Return the value of a promise; fails after a limit that only a hang reaches. */
export function within(what, promise, limit = LIMIT) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`stuck: ${what}`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** All that a modern editor declares. */
export function everything(encodings = ['utf-16']) {
  return {
    general: { positionEncodings: encodings },
    workspace: {
      applyEdit: true,
      configuration: true,
      workspaceFolders: true,
      workspaceEdit: {
        documentChanges: true,
        resourceOperations: ['create', 'rename', 'delete'],
        changeAnnotationSupport: { groupsOnLabel: true },
      },
      didChangeConfiguration: { dynamicRegistration: true },
      didChangeWatchedFiles: { dynamicRegistration: true, relativePatternSupport: true },
    },
    window: { workDoneProgress: true, showDocument: { support: true }, showMessage: {} },
    textDocument: {
      hover: { contentFormat: ['markdown', 'plaintext'] },
      publishDiagnostics: { versionSupport: true },
      codeAction: {
        codeActionLiteralSupport: { codeActionKind: { valueSet: ['quickfix', 'refactor'] } },
        tagSupport: { valueSet: [1] },
      },
    },
    experimental: { aiex: { providerHealth: true, showMarkdown: true, commandLinks: true } },
  };
}

export class Session {
  /** Start a server; a `silent` client answers none of its requests, `stderr` is not read. */
  constructor({ silent = false, stderr = 'ignore', environment = {} } = {}) {
    this.child = spawn('aiex-lsp', ['serve'], {
      stdio: ['pipe', 'pipe', stderr], env: { ...process.env, ...environment },
    });
    this.settings = null;
    this.exit = new Promise((resolve) => this.child.on('exit', (code) => resolve(code)));
    this.messages = [];
    this.documents = new Map();
    this.waiting = [];
    const reader = new lsp.StreamMessageReader(this.child.stdout);
    const listen = reader.listen.bind(reader);
    reader.listen = (callback) =>
      listen((message) => {
        this.messages.push(message);
        callback(message);
        queueMicrotask(() => this.look());
      });
    this.child.stdin.on('error', () => {});
    this.connection = lsp.createMessageConnection(
      reader, new lsp.StreamMessageWriter(this.child.stdin));
    this.connection.onError(() => {});
    const answers = {
      'workspace/applyEdit': ({ edit }) => this.apply(edit),
      'workspace/configuration': ({ items }) => items.map(() => this.settings),
      'window/showDocument': () => ({ success: true }),
    };
    for (const method of ['window/workDoneProgress/create', 'client/registerCapability',
      'client/unregisterCapability', 'window/showMessageRequest']) answers[method] = () => null;
    for (const [method, answer] of Object.entries(answers)) {
      this.connection.onRequest(method, silent ? () => new Promise(() => {}) : answer);
    }
    this.connection.listen();
  }

  /** Return the result of `initialize`; `initialized` is sent. */
  async initialize(capabilities = everything(), processId = process.pid) {
    const rootUri = process.env.AIEX_ROOT;
    this.info = await this.ask('initialize', {
      processId, rootUri, capabilities, workspaceFolders: [{ uri: rootUri, name: 'project' }],
    });
    this.tell('initialized', {});
    return this.info;
  }

  /** Return the result of a request; an error of the server is thrown with its code. */
  ask(method, params, token) {
    const sent = token === undefined
      ? this.connection.sendRequest(method, params)
      : this.connection.sendRequest(method, params, token);
    return within(method, sent);
  }

  /** Return the error of a request, `{code: 0}` where there is none. */
  async failure(method, params, token) {
    try {
      return { code: 0, result: await this.ask(method, params, token) };
    } catch (error) {
      return { code: error.code, message: error.message };
    }
  }

  /** Send bytes as they are. */
  raw(...pieces) {
    for (const piece of pieces) this.child.stdin.write(piece);
  }

  command(name, argument, more = {}) {
    return this.ask('workspace/executeCommand', { command: name, arguments: [argument], ...more });
  }

  tell(method, params) {
    this.connection.sendNotification(method, params).catch(() => {});
  }

  open(uri, text, languageId = 'python') {
    this.documents.set(uri, lsp.TextDocument.create(uri, languageId, 1, text));
    this.tell('textDocument/didOpen', { textDocument: { uri, languageId, version: 1, text } });
    return uri;
  }

  /** Apply an edit as an editor does that checks versions; its own LSP library counts columns. */
  apply(edit) {
    for (const change of edit.documentChanges ?? []) {
      if (change.kind === 'create') {
        this.documents.set(change.uri, lsp.TextDocument.create(change.uri, 'python', 0, ''));
        continue;
      }
      const { uri, version } = change.textDocument;
      const document = this.documents.get(uri);
      if (!document || (version !== null && version !== document.version)) {
        return { applied: false, failureReason: `${uri} is not at version ${version}` };
      }
      const text = lsp.TextDocument.applyEdits(document, change.edits);
      const next = lsp.TextDocument.create(uri, document.languageId, document.version + 1, text);
      this.documents.set(uri, next);
      queueMicrotask(() => this.look()); // an edit may be waited for when nothing more comes
      if (document.version === 0) continue; // a file that is not open
      this.tell('textDocument/didChange', {
        textDocument: { uri, version: next.version }, contentChanges: [{ text }],
      });
    }
    return { applied: true };
  }

  /** Return what `find` gives of the messages so far and those that come, once it gives one. */
  until(what, find) {
    return within(what, new Promise((resolve) => {
      this.waiting.push({ find, resolve });
      this.look();
    })).catch((error) => {
      const last = this.messages.slice(-6).map((one) => JSON.stringify(one).slice(0, 400));
      throw new Error([error.message, 'the last messages were', ...last].join('\n'));
    });
  }

  look() {
    this.waiting = this.waiting.filter(({ find, resolve }) => {
      const found = find();
      if (found) resolve(found);
      return !found;
    });
  }

  /** Return the params of what the server sent of a method. */
  sent(method) {
    return this.messages.filter((one) => one.method === method).map((one) => one.params);
  }

  progress(token) {
    return this.sent('$/progress').filter((one) => one.token === token).map((one) => one.value);
  }

  /** Return the exit status after an orderly end. */
  async end() {
    const answer = await this.ask('shutdown');
    this.tell('exit');
    return { answer, code: await within('exit', this.exit) };
  }
}

/** Write what a client saw to $AIEX_SEEN as JSON, or where it got stuck, and end. */
export async function tell(client) {
  const seen = await client().catch((error) => ({ stuck: String(error.stack ?? error) }));
  writeFileSync(process.env.AIEX_SEEN, JSON.stringify(seen));
  process.exit(0);
}

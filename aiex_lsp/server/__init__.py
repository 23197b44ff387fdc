"""The protocol page: what goes over the line between an editor and aiex-lsp.

`run.py` serves, `create.py` joins the methods, `services.py` says what the server is given. The
page is held against the code and the contract by `tests/unit/test_server_page.py`.

Requests of aiex, each an `executeCommand` command of the same name with the same one argument
too. Those marked `*` ask a model: as a command they answer `{accepted: id}` at once and deliver
afterwards, or with `wait: true` answer when done; they take `{textDocument, range? | position?,
provider?, model?, strategy?, diagnostics?, workDoneToken?, partialResultToken?}` besides. Where
`textDocument` has a `version`, as in the commands of actions, the places are of that text: in a
later one they are moved along, or the call is refused.

====================  =============================  ==========================================
method                further params                 result
====================  =============================  ==========================================
aiex/explain*         level?                         markdown, summary, sections[],
                                                     codeReferences[], concepts[], answer
aiex/analyze*         analysisType?                  markdown, findings[], answer; findings are
                                                     published as diagnostics, source `aiex`
aiex/generateTests*   framework?                     edit, targetUri, codeBlocks[],
                                                     explanation, language, answer, applied?
aiex/fix*             diagnostic                     as aiex/generateTests; the diagnostic's
                                                     range is the place
aiex/document*        instruction?                   as aiex/generateTests
aiex/refactor*        instruction?                   as aiex/generateTests
aiex/run*             template, variables?           by the template's response type; that of
                                                     code_generation as aiex/generateTests
aiex/followUp*        answerId, question             as aiex/explain; textDocument may be left
                                                     out: the answer's is meant
aiex/renderPrompt     task or template, and the      messages[], inputTokens, estimatedCost,
                      options of that task           provider, model, redactions[]
aiex/cancel           id                             cancelled
aiex/clearFindings    textDocument?                  null
aiex/templates                                       [{id, title, category, variables[],
                                                     responseType, kind?}]; a variable with
                                                     `inject` is filled by the server
aiex/models           provider?                      [{provider, id, contextWindow?, local,
                                                     price?}]
aiex/selectProvider   provider?, model?, strategy?   provider, model, strategy
aiex/providers                                       [ProviderStatus], as far as it is known
                                                     without asking a provider
aiex/checkHealth      provider?                      [ProviderStatus], probed now
aiex/resetCircuit     provider                       its ProviderStatus; it is asked again at once
aiex/clusterHealth                                   {backend, members: [{id, host, lastSeen,
                                                     providers: [ProviderStatus]}]}
aiex/diagnoseConfig                                  {ok, checks: [{id, provider, status, message,
                                                     remedy}]}
aiex/usage            days?                          {days, from, to, total, providers[],
                                                     models[], tasks[], byDay[]}: what
                                                     `aiex-lsp usage --json` prints
aiex/pause            paused?                        paused: while true nothing is offered and
                                                     no model is asked
====================  =============================  ==========================================

A template's variables are {name, type, required, default, description, enum?, inject?}: one with
`inject` is filled from the document and its project where a call does not give it.

Messages are handled in the order they come in: a request is about the text as it was when it was
sent, and can be cancelled from then on. A document one of whose changes cannot be read is taken for
closed until it is opened again. After `shutdown` nothing begins.

A model is selected together with its provider, unless the configuration pins one. A command that
waits takes the progress token of `workspace/executeCommand` itself too: that token ends with the
answer, so a command that was accepted has one of its own.

`ProviderStatus` is {provider, type, local, status ("healthy", "unhealthy", "error" or "unknown"),
responseTimeMs, lastCheck, error, circuit {state ("closed", "open" or "half_open"), failureCount,
lastFailure, retryAt}, rateLimit {requests {current, limit, remaining}, tokens {…}}, model,
inFlight, requestCount, lastSelected}. Times are ISO 8601 in UTC; what is not known is null, and so
is a limit there is not. A check's status is "ok", "warning", "error" or "skipped"; `ok` is false
where a provider in use cannot be used.

Notifications of aiex to clients that opted in by `experimental.aiex` or
`initializationOptions.aiex`:

- `aiex/showMarkdown` {id, title, markdown, final}; the same id replaces what it showed.
- `aiex/providerHealth` {summary {text, tooltip, severity ("ok", "warning", "error" or "busy")},
  active {provider, model, strategy}, providers [ProviderStatus], todayCost (USD or null)}: at the
  start, when a status or a circuit changes, when work starts and ends; at most four a second.

From LSP: initialize, initialized, shutdown, exit, $/cancelRequest, $/setTrace,
textDocument/didOpen, textDocument/didChange, textDocument/didSave, textDocument/didClose,
textDocument/codeAction, textDocument/hover, notebookDocument/didOpen,
notebookDocument/didChange, notebookDocument/didClose, workspace/executeCommand,
workspace/didChangeConfiguration, workspace/didChangeWatchedFiles,
workspace/didChangeWorkspaceFolders, window/workDoneProgress/cancel.

A command that edits changes nothing where the editor refuses, where the file is read-only, where
the text has changed at the same place, or where the model's answer is of no use after a second
try: the reason is told, and what the model wrote is shown. After a change at the same place the
user is asked, where the client can, whether the task shall run again. `applied` says whether the
editor made the edit.

Errors: -32602 names the parameter that is wrong, -32803 says in at most 200 characters why there
is no result (`data.text` is what a model wrote in vain), -32800 is a cancelled request. A command
that was accepted tells its failure by one `window/showMessage`, or where it offers to run again by
`window/showMessageRequest`.

Wherever a client lacks something there is a next best: a text is a view, else a document in the
state folder, else a message; an edit is versioned `documentChanges`, else `changes`, else a diff
shown as text; a file that cannot be created by `CreateFile` is made by inserting into it.
"""

// What the server answers to what is wrong.

/** Wrong params of each method of ours, with the parameter that must be named. */
function wrong(uri) {
  const here = { textDocument: { uri }, position: { line: 3, character: 4 } };
  const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } };
  return [
    ['aiex/explain', {}, 'textDocument'],
    ['aiex/explain', { textDocument: 5 }, 'textDocument'],
    ['aiex/explain', { textDocument: { uri: 'file:///not/open.py' } }, 'open.py'],
    ['aiex/explain', { ...here, position: { line: 3 } }, 'position'],
    ['aiex/explain', { ...here, position: { line: 4000, character: 0 } }, 'position'],
    ['aiex/explain', { ...here, range: 'all' }, 'range'],
    ['aiex/explain', { ...here, level: 'deep' }, 'level'],
    ['aiex/explain', { ...here, provider: 7 }, 'provider'],
    ['aiex/explain', { ...here, provider: 'nobody' }, 'nobody'],
    ['aiex/explain', { ...here, strategy: 'luck' }, 'luck'],
    ['aiex/explain', { ...here, workDoneToken: {} }, 'workDoneToken'],
    ['aiex/analyze', { ...here, analysisType: 'taste' }, 'analysisType'],
    ['aiex/generateTests', { ...here, framework: 1 }, 'framework'],
    ['aiex/fix', here, 'diagnostic'],
    ['aiex/fix', { ...here, diagnostic: { range } }, 'diagnostic'],
    ['aiex/document', { ...here, instruction: [] }, 'instruction'],
    ['aiex/refactor', { ...here, instruction: 1 }, 'instruction'],
    ['aiex/run', here, 'template'],
    ['aiex/run', { ...here, template: 'nothing' }, 'nothing'],
    ['aiex/run', { ...here, template: 'explain', variables: 'x' }, 'variables'],
    ['aiex/renderPrompt', here, 'task'],
    ['aiex/renderPrompt', { ...here, task: 'dance' }, 'dance'],
    ['aiex/followUp', { question: 'Why?' }, 'answerId'],
    ['aiex/followUp', { answerId: 'nothing', question: 'Why?' }, 'answerId'],
    ['aiex/cancel', {}, 'id'],
    ['aiex/clearFindings', { textDocument: 1 }, 'textDocument'],
    ['aiex/models', { provider: 1 }, 'provider'],
    ['aiex/models', { provider: 'nobody' }, 'nobody'],
    ['aiex/checkHealth', { provider: 'nobody' }, 'nobody'],
    ['aiex/selectProvider', { provider: 'nobody' }, 'nobody'],
    ['aiex/selectProvider', { strategy: 'luck' }, 'luck'],
    ['aiex/resetCircuit', {}, 'provider'],
    ['aiex/resetCircuit', { provider: 'nobody' }, 'nobody'],
    ['aiex/usage', { days: 0 }, 'days'],
    ['aiex/usage', { days: 'all' }, 'days'],
    ['aiex/pause', { paused: 'yes' }, 'paused'],
    ['aiex/providers', [1], 'params'],
    ['textDocument/hover', { textDocument: { uri } }, 'position'],
    ['textDocument/codeAction', { textDocument: { uri } }, 'range'],
  ];
}

/** Return the answers to unknown methods and wrong params, as requests and as commands. */
export async function errors(session, uri) {
  const seen = { unknown: [], params: [], commands: [] };
  for (const method of ['aiex/nothing', 'textDocument/completion', 'textDocument/rename',
    'codeAction/resolve', '$/nothing']) {
    seen.unknown.push([method, (await session.failure(method, {})).code]);
  }
  for (const [method, params, named] of wrong(uri)) {
    const { code, message } = await session.failure(method, params);
    seen.params.push({ method, params, code, message, named: message?.includes(named) ?? false });
    if (!method.startsWith('aiex/') || Array.isArray(params)) continue;
    const sent = { command: method, arguments: [params] };
    const answer = await session.failure('workspace/executeCommand', sent);
    seen.commands.push({ method, params, code: answer.code, result: answer.result });
  }
  const none = { command: 'aiex/nothing', arguments: [] };
  seen.noCommand = await session.failure('workspace/executeCommand', none);
  session.tell('aiex/nothing', {}); // an unknown notification is no fault
  seen.twice = await session.failure('initialize', { processId: null, capabilities: {} });
  seen.alive = (await session.ask('aiex/providers', {})).length > 0;
  return seen;
}

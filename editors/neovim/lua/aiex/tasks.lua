--- The tasks a model does: explain, analyze, tests, fix, document, refactor, run.
local M = {}

local place = require('aiex.place')
local server = require('aiex.server')

---@class aiex.Call where a task was asked for, and with which words
---@field client vim.lsp.Client
---@field buffer integer
---@field lines? aiex.Lines
---@field words string[]

local function params_of(call, more)
  return vim.tbl_extend('force', place.params(call.client, call.buffer, call.lines), more or {})
end

local function stream(call, task, params, title)
  require('aiex.answers').stream(call.client, 'aiex/' .. task, params, title, call.buffer)
end

-- An edit comes as the server's command: it looks for changed text, asks to run again, and shows
-- what cannot be applied.
local function edit(call, task, params)
  require('aiex.jobs').command(call.client, 'aiex/' .. task, params, call.buffer)
end

local function warn(text)
  vim.notify('aiex: ' .. text, vim.log.levels.WARN)
end

local function joined(words)
  return #words > 0 and table.concat(words, ' ') or nil
end

-- Asks for an instruction; an empty one is none, <Esc> drops the task.
local function instructed(given, prompt, run)
  if given then
    return run(given)
  end
  vim.ui.input({ prompt = prompt }, function(answer)
    if answer then
      run(vim.trim(answer) ~= '' and answer or nil)
    end
  end)
end

--- Explains, at a level if one is named.
---@param call aiex.Call
function M.explain(call)
  stream(call, 'explain', params_of(call, { level = call.words[1] }), 'Explain')
end

--- Looks for faults of one type; the findings are diagnostics.
---@param call aiex.Call
function M.analyze(call)
  stream(call, 'analyze', params_of(call, { analysisType = call.words[1] }), 'Analyze')
end

--- Writes tests into their file, with a framework if one is named.
---@param call aiex.Call
function M.tests(call)
  edit(call, 'generateTests', params_of(call, { framework = call.words[1] }))
end

--- Writes documentation, by an instruction if one is given.
---@param call aiex.Call
function M.document(call)
  edit(call, 'document', params_of(call, { instruction = joined(call.words) }))
end

--- Changes code by an instruction, which is asked for if none is given.
---@param call aiex.Call
function M.refactor(call)
  local params = params_of(call)
  instructed(joined(call.words), 'Refactor how (empty: the model decides): ', function(given)
    params.instruction = given
    edit(call, 'refactor', params)
  end)
end

--- Fixes what a diagnostic of the lines reports; the user picks where there are several.
---@param call aiex.Call
function M.fix(call)
  local first = call.lines and call.lines[1] or vim.api.nvim_win_get_cursor(0)[1] - 1
  local last = call.lines and call.lines[3] or first
  local found = vim.tbl_filter(function(one)
    return one.lnum <= last and (one.end_lnum or one.lnum) >= first
  end, vim.diagnostic.get(call.buffer))
  if #found == 0 then
    return warn('no diagnostic here to fix')
  end
  local function fix(one)
    if one then
      edit(call, 'fix', {
        textDocument = vim.lsp.util.make_text_document_params(call.buffer),
        diagnostic = place.diagnostic(call.client, one),
      })
    end
  end
  if #found == 1 then
    return fix(found[1])
  end
  vim.ui.select(found, {
    prompt = 'Fix:',
    kind = 'aiex_diagnostic',
    format_item = function(one)
      return ('%d: %s%s'):format(
        one.lnum + 1, one.message:gsub('\n', ' '), one.source and (' [%s]'):format(one.source) or '')
    end,
  }, fix)
end

-- Asks for the variables a template needs and nobody gave, one after the other.
local function fill(template, given, done)
  for _, variable in ipairs(template.variables) do
    local wanted = variable.required and not variable.inject and given[variable.name] == nil
    if wanted then
      local about = variable.description ~= '' and variable.description or variable.name
      local function take(value)
        if value ~= nil then
          given[variable.name] = value
          fill(template, given, done)
        end
      end
      if variable.enum then
        return vim.ui.select(variable.enum, { prompt = about .. ':', kind = 'aiex_variable' }, take)
      end
      local default = variable.default ~= nil and tostring(variable.default) or nil
      return vim.ui.input({ prompt = about .. ': ', default = default }, take)
    end
  end
  done(given)
end

local edits = { code_generation = true, test_generation = true }

-- A typed value as its variable's type wants it; what does not fit is left to the server to refuse.
local function typed(variable, value)
  if type(value) ~= 'string' then
    return value
  elseif variable.type == 'integer' or variable.type == 'number' then
    return tonumber(value) or value
  elseif variable.type == 'boolean' then
    return ({ ['true'] = true, ['false'] = false })[value] == nil and value or value == 'true'
  end
  return value
end

-- Runs a template with the variables given; the way depends on what it answers with.
local function run(call, params, template)
  fill(template, params.variables or {}, function(variables)
    for _, variable in ipairs(template.variables) do
      variables[variable.name] = typed(variable, variables[variable.name])
    end
    params.variables = next(variables) and variables or nil
    if edits[template.responseType] then
      edit(call, 'run', params)
    else
      stream(call, 'run', params, template.title)
    end
  end)
end

local function with_templates(call, done)
  server.ask(call.client, 'aiex/templates', {}, done)
end

local function run_by_id(call, params, id)
  with_templates(call, function(templates)
    for _, template in ipairs(templates) do
      if template.id == id then
        params.template = id
        return run(call, params, template)
      end
    end
    local ids = vim.tbl_map(function(one) return one.id end, templates)
    local near = require('aiex.config').nearest(id, ids)
    warn(('there is no template "%s"%s'):format(id, near and ('; did you mean "%s"?'):format(near) or ''))
  end)
end

--- Runs a template with `name=value` words; without a name the user picks one.
---@param call aiex.Call
function M.run(call)
  local params = params_of(call)
  local variables = {}
  local id = call.words[1]
  for index = 2, #call.words do
    local name, value = call.words[index]:match('^([%w_]+)=(.*)$')
    if not name then
      return warn(('"%s" is no name=value'):format(call.words[index]))
    end
    variables[name] = value
  end
  params.variables = variables
  if id then
    return run_by_id(call, params, id)
  end
  with_templates(call, function(templates)
    vim.ui.select(templates, {
      prompt = 'Template:',
      kind = 'aiex_template',
      format_item = function(one) return ('%s (%s)'):format(one.title, one.id) end,
    }, function(one)
      if one then
        params.template = one.id
        run(call, params, one)
      end
    end)
  end)
end

--- Runs what a code action carries, by the request where its text can stream.
---@param task string
---@param command lsp.Command
---@param context lsp.HandlerContext
function M.from_action(task, command, context)
  local client = assert(vim.lsp.get_client_by_id(context.client_id))
  local call = { client = client, buffer = context.bufnr, words = {} }
  local params = vim.deepcopy((command.arguments or {})[1] or {})
  if task == 'run' then
    run_by_id(call, params, params.template)
  elseif task == 'refactor' then
    instructed(params.instruction, 'Refactor how (empty: the model decides): ', function(given)
      params.instruction = given
      edit(call, task, params)
    end)
  elseif task == 'explain' or task == 'analyze' or task == 'followUp' then
    stream(call, task, params, command.title)
  else
    edit(call, task, params)
  end
end

return M

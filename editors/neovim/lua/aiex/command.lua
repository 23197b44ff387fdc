--- `:Aiex` and its completion; the <Plug> mappings end here as well.
local M = {}

local levels = { 'brief', 'standard', 'detailed' }
local types = { 'general', 'performance', 'security', 'maintainability' }
local tasks = { 'explain', 'analyze', 'tests', 'fix', 'document', 'refactor', 'run', 'prompt' }

local function lazily(module, name)
  return function(...) return require(module)[name](...) end
end

local function pause(client, paused)
  require('aiex.server').ask(client, 'aiex/pause', { paused = paused }, function(now)
    vim.notify(now.paused and 'aiex: paused; :Aiex resume goes on' or 'aiex: at work')
  end)
end

local function cancel()
  local jobs = require('aiex.jobs')
  local running = vim.list_slice(jobs.running())
  for _, job in ipairs(running) do
    jobs.cancel(job)
  end
  local titles = vim.tbl_map(function(job) return job.title end, running)
  vim.notify(#running == 0 and 'aiex: nothing runs' or 'aiex: stopped ' .. table.concat(titles, ', '))
end

local function pick_answer()
  local answers = require('aiex.answers')
  if #answers.all() == 0 then
    return vim.notify('aiex: there is no answer yet', vim.log.levels.WARN)
  end
  vim.ui.select(answers.all(), {
    prompt = 'Answers:',
    kind = 'aiex_answer',
    format_item = function(one) return one.title end,
  }, function(one)
    if one then
      answers.focus(one)
    end
  end)
end

-- What needs a buffer and a place; what needs a server; what needs neither.
local placed = { prompt = lazily('aiex.reports', 'prompt') }
for _, name in ipairs(tasks) do
  placed[name] = placed[name] or lazily('aiex.tasks', name)
end
local served = {
  status = lazily('aiex.reports', 'status'),
  usage = lazily('aiex.reports', 'usage'),
  doctor = lazily('aiex.reports', 'doctor'),
  provider = lazily('aiex.provider', 'run'),
  clear = function(client)
    require('aiex.server').ask(client, 'aiex/clearFindings', {
      textDocument = vim.lsp.util.make_text_document_params(0),
    }, function() end)
  end,
  pause = function(client) pause(client, true) end,
  resume = function(client) pause(client, false) end,
}
local alone = {
  followup = function(words)
    require('aiex.answers').follow_up(nil, table.concat(words, ' '))
  end,
  answers = pick_answer,
  cancel = cancel,
  focus = function() require('aiex.answers').focus() end,
  keep = function() require('aiex.answers').keep() end,
  close = function() require('aiex.answers').close() end,
}

--- Returns the words that may follow `:Aiex`, sorted.
---@return string[]
function M.names()
  local names = vim.list_extend(vim.tbl_keys(placed), vim.tbl_keys(served))
  return vim.fn.sort(vim.list_extend(names, vim.tbl_keys(alone)))
end

-- Does one subcommand with its words, about some lines or the cursor's place.
local function perform(name, words, lines)
  if alone[name] then
    return alone[name](words)
  end
  local server = require('aiex.server')
  server.with_client(served[name] ~= nil, function(client)
    if served[name] then
      return served[name](client, words)
    end
    local buffer = vim.api.nvim_get_current_buf()
    placed[name]({ client = client, buffer = buffer, lines = lines, words = words })
  end)
end

local function menu(lines)
  vim.ui.select(M.names(), { prompt = 'aiex:', kind = 'aiex_menu' }, function(name)
    if name then
      perform(name, {}, lines)
    end
  end)
end

-- Says so where this Neovim is too old; returns whether it is.
local function outdated()
  local old = vim.fn.has('nvim-0.11') == 0
  if old then
    vim.notify('aiex: Neovim 0.11 or later is needed', vim.log.levels.ERROR)
  end
  return old
end

--- Runs `:Aiex` as it was typed.
---@param call vim.api.keyset.create_user_command.command_args
function M.run(call)
  if outdated() then
    return
  end
  local words = vim.list_slice(call.fargs, 2)
  local name = call.fargs[1]
  local lines
  if call.range > 0 then
    lines = require('aiex.place').lines(0, call.line1, call.line2)
  end
  if not name then
    return menu(lines)
  elseif not (placed[name] or served[name] or alone[name]) then
    local near = require('aiex.config').nearest(name, M.names())
    return vim.notify(('aiex: there is no :Aiex %s%s'):format(
      name, near and ('; did you mean %s?'):format(near) or ''), vim.log.levels.ERROR)
  end
  perform(name, words, lines)
end

--- Runs a <Plug> mapping, about the selection in visual mode.
---@param name string
function M.mapped(name)
  if outdated() then
    return
  end
  local lines
  if vim.fn.mode():find('^[vV\22]') then
    lines = require('aiex.place').selection(0)
  end
  if name == 'menu' then
    return menu(lines)
  end
  perform(name, {}, lines)
end

local function field(method, key)
  return vim.tbl_map(function(one) return one[key] end,
    require('aiex.server').ask_now(method) or {})
end

local function template_words(words)
  if #words == 2 then
    return field('aiex/templates', 'id')
  end
  for _, template in ipairs(require('aiex.server').ask_now('aiex/templates') or {}) do
    if template.id == words[2] then
      return vim.iter(template.variables):map(function(one)
        return not one.inject and one.name .. '=' or nil
      end):totable()
    end
  end
  return {}
end

local function provider_words(words)
  local provider = require('aiex.provider')
  if #words == 2 then
    return vim.list_extend(field('aiex/providers', 'provider'), provider.words)
  elseif words[2] == 'strategy' then
    return provider.strategies
  elseif words[2] == 'check' or words[2] == 'reset' then
    return field('aiex/providers', 'provider')
  elseif words[2] ~= 'default' and #words == 3 then
    local models = require('aiex.server').ask_now('aiex/models') or {}
    local ids = {}
    for _, one in ipairs(models) do
      if words[2] == 'model' or one.provider == words[2] then
        ids[one.id] = true
      end
    end
    return vim.fn.sort(vim.tbl_keys(ids))
  end
  return {}
end

local completions = {
  explain = function(words) return #words == 2 and levels or {} end,
  analyze = function(words) return #words == 2 and types or {} end,
  prompt = function(words)
    return #words == 2 and { 'explain', 'analyze', 'tests', 'fix', 'document', 'refactor' } or {}
  end,
  usage = function(words) return #words == 2 and { '1', '7', '30', '90' } or {} end,
  run = template_words,
  provider = provider_words,
}

--- Returns what may be typed next.
---@param lead string
---@param line string
---@param column integer
---@return string[]
function M.complete(lead, line, column)
  -- The command's name may be cut short, as Vim allows: `:Ai explain`.
  local typed = line:sub(1, column):gsub('^.-Ai?e?x?%s+', '', 1)
  local words = vim.split(typed, '%s+')
  local found = M.names()
  if #words > 1 then
    local complete = completions[words[1]]
    found = complete and complete(words) or {}
  end
  return vim.tbl_filter(function(one) return vim.startswith(one, lead) end, found)
end

return M

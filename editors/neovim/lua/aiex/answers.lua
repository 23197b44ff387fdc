--- Answers: texts that grow while a model writes them, with what was asked about them after.
local M = {}

local buffers = require('aiex.buffer')
local config = require('aiex.config')
local jobs = require('aiex.jobs')
local window = require('aiex.window')

---@class aiex.Shown
---@field title string
---@field buffer integer
---@field state 'running'|'done'|'failed'|'report'
---@field base integer the line its newest part begins at, from 0
---@field answer? table the protocol's `answer` of the newest part
---@field client_id? integer
---@field source? integer the buffer asked about
---@field status? string what the server says it does
---@field note? string what is to be known of who answered
---@field job? aiex.Job

local kept = 20
local shown = {} ---@type aiex.Shown[] the newest last
local views = {} ---@type table<string, aiex.Shown> by client and the id its server gave

local function map_keys(one)
  local keys = config.get().answer.keys
  local acts = {
    [keys.close] = { function() M.close(one) end, 'close' },
    [keys.split] = { function() window.keep(one) end, 'keep as a split' },
    [keys.cancel] = { function() M.cancel(one) end, 'stop the model' },
    [keys.follow_up] = { function() M.follow_up(one) end, 'ask on' },
  }
  acts[''] = nil -- a key that is not wanted
  for key, act in pairs(acts) do
    vim.keymap.set('n', key, act[1], { buffer = one.buffer, nowait = true, desc = 'aiex: ' .. act[2] })
  end
end

local function make(title, state)
  local one = { title = title, state = state, base = 0, buffer = buffers.make() }
  buffers.paint(one.buffer, state == 'running')
  map_keys(one)
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = one.buffer,
    desc = 'aiex: stop the model of a text that is gone',
    callback = vim.schedule_wrap(function() M.cancel(one) end),
  })
  shown[#shown + 1] = one
  if #shown > kept then
    local oldest = table.remove(shown, 1)
    if not window.of(oldest) and oldest.state ~= 'running' then
      pcall(vim.api.nvim_buf_delete, oldest.buffer, { force = true })
    end
  end
  return one
end

local function open(one, enter)
  local split = config.get().answer.layout == 'split' and window.open_split(one, enter)
  if not split then
    window.open_float(one, enter)
  end
  vim.api.nvim_create_autocmd('VimResized', {
    group = vim.api.nvim_create_augroup('aiex.resized', {}),
    callback = function()
      for _, each in ipairs(shown) do
        window.refresh(each)
      end
    end,
  })
end

-- Shows a change of the text, where its buffer is still there.
local function change(one, how, ...)
  if vim.api.nvim_buf_is_valid(one.buffer) then
    how(one.buffer, ...)
    buffers.paint(one.buffer, one.state == 'running')
    window.refresh(one)
  end
end

local function replace(one, text) change(one, buffers.replace, one.base, text) end
local function append(one, text) change(one, buffers.append, text) end

local function fail(one, err)
  local cancelled = err.code == -32800
  local reason = cancelled and 'Cancelled.' or err.message
  if not vim.api.nvim_buf_is_valid(one.buffer) then
    return
  end
  local text = vim.trim(table.concat(vim.api.nvim_buf_get_lines(one.buffer, one.base, -1, false), '\n'))
  local wrote = text == '' and type(err.data) == 'table' and err.data.text or ''
  one.state, one.job = 'failed', nil
  append(one, ('%s%s**%s**\n'):format(wrote, (text .. wrote) == '' and '' or '\n\n---\n\n', reason))
  if not cancelled and not window.of(one) then
    vim.notify('aiex: ' .. reason, vim.log.levels.ERROR)
  end
end

-- Sends the request whose text becomes the newest part.
local function ask(one, client, method, params)
  one.state, one.status, one.client_id = 'running', nil, client.id
  one.job = jobs.request(client, method, params, one.source, {
    title = one.title,
    on_delta = function(text) append(one, text) end,
    on_restart = function(provider)
      one.status = provider and ('asking ' .. provider) or one.status
      replace(one, '')
    end,
    on_title = function(title)
      one.title = one.answer and one.title or title
      window.refresh(one)
    end,
    on_status = function(message)
      one.status = message
      window.refresh(one)
    end,
    on_done = function(err, result)
      if err then
        return fail(one, err)
      end
      one.state, one.job, one.answer = 'done', nil, result.answer
      local note = result.answer.note
      local said = note == one.note -- once is enough
      one.note = note
      replace(one, result.markdown:gsub('%s+$', '')
        .. (note and not said and ('\n\n---\n\n*%s*'):format(note) or ''))
      if vim.api.nvim_buf_is_valid(one.buffer) and not window.of(one) then
        vim.notify(('aiex: %s: there is an answer; :Aiex answers shows it'):format(one.title))
      end
    end,
  })
  window.refresh(one)
end

--- Asks for a text and shows it while it is written.
---@param client vim.lsp.Client
---@param method string
---@param params table
---@param title string
---@param buffer integer the buffer asked about
function M.stream(client, method, params, title, buffer)
  local one = make(title, 'running')
  one.source = buffer
  open(one, false)
  ask(one, client, method, params)
end

--- Shows a finished text that is no answer, and goes there.
---@param title string
---@param text string
function M.report(title, text)
  local one = make(title, 'report')
  open(one, true)
  replace(one, text)
end

--- Handles `aiex/showMarkdown`: what the server shows by itself; the same id replaces.
function M.on_show_markdown(_, params, context)
  local id = ('%d %s'):format(context.client_id, params.id)
  local one = views[id]
  if not (one and vim.api.nvim_buf_is_valid(one.buffer)) then
    one = make(params.title, 'report')
    views[id] = one
    open(one, false)
  end
  replace(one, params.markdown)
end

--- Returns the answers of this session that are still there, the newest first.
---@return aiex.Shown[]
function M.all()
  return vim.iter(shown):rev():filter(function(one)
    return vim.api.nvim_buf_is_valid(one.buffer)
  end):totable()
end

-- The answer whose window the cursor is in, else the newest that `wanted` is true of.
local function current(wanted)
  local buffer = vim.api.nvim_get_current_buf()
  local newest
  for _, one in ipairs(M.all()) do
    if wanted(one) then
      newest = newest or one
      if one.buffer == buffer then
        return one
      end
    end
  end
  return newest
end

local function any() return true end

--- Stops the model that writes an answer.
---@param one aiex.Shown
function M.cancel(one)
  if one.job then
    jobs.cancel(one.job)
  end
end

--- Closes an answer's window, and stops the model if it still writes.
---@param one? aiex.Shown the current one if left out
function M.close(one)
  one = one or current(function(each) return window.of(each) ~= nil end)
  if one then
    M.cancel(one)
    window.close(one)
  end
end

--- Keeps the current answer as a split.
function M.keep()
  local one = current(any)
  if one then
    window.keep(one)
  else
    vim.notify('aiex: there is no answer yet', vim.log.levels.WARN)
  end
end

--- Goes to an answer's window, which is opened again if it was closed.
---@param one? aiex.Shown the newest if left out
function M.focus(one)
  one = one or current(function(each) return window.of(each) ~= nil end) or current(any)
  if not one then
    vim.notify('aiex: there is no answer yet', vim.log.levels.WARN)
  elseif window.of(one) then
    vim.api.nvim_set_current_win(one.window)
  else
    open(one, true)
  end
end

--- Asks a question about an answer; the reply follows it in the same window.
---@param one? aiex.Shown the current one if left out
---@param question? string asked for if left out
function M.follow_up(one, question)
  one = one or current(function(each) return each.answer ~= nil or each.state == 'running' end)
  if not (one and one.answer) or one.state == 'running' then
    return vim.notify('aiex: there is no finished answer to ask about', vim.log.levels.WARN)
  elseif not question or question == '' then
    return vim.ui.input({ prompt = 'Question: ' }, function(given)
      if given and vim.trim(given) ~= '' then
        M.follow_up(one, given)
      end
    end)
  end
  local client = vim.lsp.get_client_by_id(one.client_id)
  if not client then
    return vim.notify('aiex: the server that gave this answer has ended', vim.log.levels.WARN)
  end
  append(one, ('\n\n---\n\n> %s\n\n'):format((question:gsub('\n', '\n> '))))
  one.base = vim.api.nvim_buf_line_count(one.buffer) - 1
  if not window.of(one) then
    open(one, false)
  end
  ask(one, client, 'aiex/followUp', { answerId = one.answer.id, question = question })
end

return M

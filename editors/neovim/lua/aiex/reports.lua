--- Texts that no model writes: how providers stand, what was used, what would be sent.
local M = {}

local server = require('aiex.server')

local function money(cost)
  return not cost and '–' or cost == 0 and 'free' or ('$%.4f'):format(cost)
end

local function show(title, lines)
  require('aiex.answers').report(title, table.concat(lines, '\n'))
end

local function left(limit)
  return limit and limit.limit and ('%d of %d'):format(limit.remaining, limit.limit) or 'no limit'
end

--- Shows each provider: health, circuit, latency, limits, model.
---@param client vim.lsp.Client
function M.status(client)
  server.ask(client, 'aiex/providers', {}, function(providers)
    local report = require('aiex.status').report()
    local lines = { report and ('**%s**'):format(report.summary.text) or '', '' }
    for _, one in ipairs(require('aiex.provider').usable_first(providers)) do
      vim.list_extend(lines, {
        ('- **%s** %s'):format(one.provider, require('aiex.provider').describe(one)),
        ('  circuit %s · requests %s · tokens %s'):format(
          one.circuit.state:gsub('_', ' '), left(one.rateLimit.requests), left(one.rateLimit.tokens)),
      })
      if one.error and one.status ~= 'unknown' then
        lines[#lines + 1] = '  ' .. one.error:gsub('\n', ' ')
      end
    end
    show('Providers', lines)
  end)
end

--- Shows requests, success, latency, tokens and cost of some days.
---@param client vim.lsp.Client
---@param words string[]
function M.usage(client, words)
  local days = tonumber(words[1] or '7')
  if not days then
    return vim.notify('aiex: how many days? :Aiex usage 30', vim.log.levels.WARN)
  end
  server.ask(client, 'aiex/usage', { days = days }, function(usage)
    local lines = {
      ('%d requests in %d days, %s'):format(
        usage.total.requests, usage.days, money(usage.total.cost)), '',
    }
    for _, one in ipairs(usage.providers) do
      lines[#lines + 1] = ('- **%s** %d requests, %.0f%% good, %.0f ms, %d tokens in, %d out, %s'):format(
        one.provider, one.requests, 100 * one.successRate,
        one.averageResponseTimeMs, one.inputTokens, one.outputTokens, money(one.cost))
    end
    show('Usage', lines)
  end)
end

local marks = { ok = '✓', warning = '!', error = '✗', skipped = '–' }

--- Shows each problem of the configuration with its remedy.
---@param client vim.lsp.Client
function M.doctor(client)
  server.ask(client, 'aiex/diagnoseConfig', {}, function(found)
    local lines = { found.ok and 'All is well.' or 'A provider in use cannot be used.', '' }
    for _, check in ipairs(found.checks) do
      lines[#lines + 1] = ('- %s **%s** %s'):format(
        marks[check.status] or '', check.provider or check.id, check.message)
      if check.remedy ~= '' and check.status ~= 'ok' then
        lines[#lines + 1] = '  ' .. check.remedy
      end
    end
    show('Doctor', lines)
  end)
end

local names = {
  explain = 'explain', analyze = 'analyze', tests = 'generateTests', fix = 'fix',
  document = 'document', refactor = 'refactor',
}

--- Shows to the byte what a task would send, with tokens, price and redactions; sends nothing.
---@param call aiex.Call
function M.prompt(call)
  local task = call.words[1] or 'explain'
  local params = require('aiex.place').params(call.client, call.buffer, call.lines)
  params.task = names[task]
  if not params.task then
    local near = require('aiex.config').nearest(task, vim.tbl_keys(names))
    return vim.notify(('aiex: there is no task "%s"%s'):format(
      task, near and ('; did you mean "%s"?'):format(near) or ''), vim.log.levels.WARN)
  end
  if task == 'fix' then
    local line = vim.api.nvim_win_get_cursor(0)[1] - 1
    local found = vim.diagnostic.get(call.buffer, { lnum = line })[1]
    if not found then
      return vim.notify('aiex: no diagnostic here to fix', vim.log.levels.WARN)
    end
    params.diagnostic = require('aiex.place').diagnostic(call.client, found)
  end
  server.ask(call.client, 'aiex/renderPrompt', params, function(prompt)
    local lines = {
      ('%s · %s · %d tokens · %s'):format(
        prompt.provider or '–', prompt.model or '–', prompt.inputTokens, money(prompt.estimatedCost)),
    }
    if #prompt.redactions > 0 then
      lines[#lines + 1] = 'Left out or replaced: ' .. table.concat(prompt.redactions, ', ')
    end
    for _, message in ipairs(prompt.messages) do
      vim.list_extend(lines, { '', ('## %s'):format(message.role), '' })
      vim.list_extend(lines, vim.split(message.content, '\n'))
    end
    show('Prompt of ' .. task, lines)
  end)
end

return M

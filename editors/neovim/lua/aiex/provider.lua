--- Which provider, model and strategy are used; checks of them.
local M = {}

local server = require('aiex.server')

M.words = { 'model', 'strategy', 'check', 'reset', 'default' }
M.strategies = {
  'load_balanced', 'local_affinity', 'cost_optimized', 'round_robin', 'random',
}

local function select(client, params)
  server.ask(client, 'aiex/selectProvider', params, function(now)
    local parts = {}
    for _, key in ipairs({ 'provider', 'model', 'strategy' }) do
      parts[#parts + 1] = now[key] and ('%s %s'):format(key, now[key]) or nil
    end
    vim.notify('aiex: ' .. (#parts > 0 and table.concat(parts, ', ') or 'as configured'))
  end)
end

--- Returns one provider's state in a few words.
---@param one table a ProviderStatus
---@return string
function M.describe(one)
  local parts = { one.status == 'unknown' and one.error or one.status }
  if one.circuit and one.circuit.state ~= 'closed' then
    parts[#parts + 1] = 'circuit ' .. one.circuit.state:gsub('_', ' ')
  end
  if one.responseTimeMs then
    parts[#parts + 1] = ('%d ms'):format(one.responseTimeMs)
  end
  parts[#parts + 1] = one.model
  return table.concat(parts, ', ')
end

--- Returns the providers with those first that can be asked.
---@param providers table[]
---@return table[]
function M.usable_first(providers)
  local function rank(one) return one.status == 'healthy' and 1 or one.error and 3 or 2 end
  local sorted = {}
  for wanted = 1, 3 do
    vim.list_extend(sorted, vim.tbl_filter(function(one) return rank(one) == wanted end, providers))
  end
  return sorted
end

local function pick_model(client, provider)
  server.ask(client, 'aiex/models', { provider = provider }, function(models)
    if #models == 0 then
      return vim.notify('aiex: no model is known', vim.log.levels.WARN)
    end
    vim.ui.select(models, {
      prompt = 'Model:',
      kind = 'aiex_model',
      format_item = function(one) return ('%s (%s)'):format(one.id, one.provider) end,
    }, function(one)
      if one then
        select(client, { provider = one.provider, model = one.id })
      end
    end)
  end)
end

local function pick_strategy(client)
  vim.ui.select(M.strategies, { prompt = 'Strategy:', kind = 'aiex_strategy' }, function(one)
    if one then
      select(client, { strategy = one })
    end
  end)
end

local function check(client, provider)
  server.ask(client, 'aiex/checkHealth', { provider = provider }, function(found)
    local lines = vim.tbl_map(function(one)
      return ('%s: %s'):format(one.provider, one.error or M.describe(one))
    end, found)
    vim.notify('aiex: ' .. table.concat(lines, '\n'))
  end)
end

local function reset(client, provider)
  if not provider then
    return vim.notify('aiex: which provider? :Aiex provider reset NAME', vim.log.levels.WARN)
  end
  server.ask(client, 'aiex/resetCircuit', { provider = provider }, function(one)
    vim.notify(('aiex: %s is asked again: %s'):format(provider, M.describe(one)))
  end)
end

local function pick(client)
  server.ask(client, 'aiex/providers', {}, function(providers)
    local items = vim.tbl_map(function(one)
      return {
        text = ('%s: %s'):format(one.provider, M.describe(one)),
        act = function() select(client, { provider = one.provider }) end,
      }
    end, M.usable_first(providers))
    local function add(text, act) items[#items + 1] = { text = text, act = act } end
    add('Choose a model …', function() pick_model(client) end)
    add('Choose a strategy …', function() pick_strategy(client) end)
    add('As configured', function() select(client, {}) end)
    add('Check all now', function() check(client) end)
    vim.ui.select(items, {
      prompt = 'Provider:',
      kind = 'aiex_provider',
      format_item = function(item) return item.text end,
    }, function(item)
      if item then
        item.act()
      end
    end)
  end)
end

--- Does what the words after `:Aiex provider` say; without words the user picks.
---@param client vim.lsp.Client
---@param words string[]
function M.run(client, words)
  local first, second, third = words[1], words[2], words[3]
  if not first then
    pick(client)
  elseif first == 'default' then
    select(client, {})
  elseif first == 'check' then
    check(client, second)
  elseif first == 'reset' then
    reset(client, second)
  elseif first == 'strategy' then
    if second then select(client, { strategy = second }) else pick_strategy(client) end
  elseif first == 'model' then
    if not second then
      return pick_model(client)
    end
    local active = (require('aiex.status').report() or {}).active or {}
    select(client, { provider = third or active.provider, model = second })
  else
    select(client, { provider = first, model = second })
  end
end

return M

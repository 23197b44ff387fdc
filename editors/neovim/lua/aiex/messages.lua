--- What the server says, and what it asks when the user is not in the middle of typing.
local M = {}

local levels = { vim.log.levels.ERROR, vim.log.levels.WARN }

--- Handles `window/showMessage`: by vim.notify, as all messages of this plugin.
---@param params lsp.ShowMessageParams
function M.on_message(_, params)
  vim.notify('aiex: ' .. params.message, levels[params.type] or vim.log.levels.INFO)
end

-- Runs `act` as soon as keys are commands again.
local function when_idle(act)
  local mode = vim.api.nvim_get_mode()
  if mode.mode:sub(1, 1) == 'n' and not mode.blocking then
    return act()
  elseif mode.mode == 'n' then -- in the middle of a command, which changes no mode
    return vim.defer_fn(function() when_idle(act) end, 100)
  end
  vim.api.nvim_create_autocmd('ModeChanged', {
    pattern = '*:n*',
    once = true,
    callback = vim.schedule_wrap(function() when_idle(act) end),
  })
end

--- Handles `window/showMessageRequest`: says the message, offers its actions, returns the choice.
---@param params lsp.ShowMessageRequestParams
function M.on_question(_, params)
  M.on_message(nil, params)
  local waiting = coroutine.running()
  when_idle(function()
    vim.ui.select(params.actions or {}, {
      kind = 'aiex_question',
      prompt = params.message .. ': ',
      format_item = function(action) return action.title end,
    }, function(choice)
      -- A select that answers at once would resume before the yield.
      vim.schedule(function() coroutine.resume(waiting, choice or vim.NIL) end)
    end)
  end)
  return coroutine.yield()
end

return M

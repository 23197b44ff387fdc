--- The lines at the edge of an answer's window.
local M = {}

local config = require('aiex.config')

--- Returns who answered and at what cost, or what goes on, with the key that matters then.
---@param one aiex.Shown
---@return string
function M.footer(one)
  local keys = config.get().answer.keys
  if one.state == 'running' then
    local stops = keys.cancel ~= '' and (' · %s stops'):format(keys.cancel) or ''
    return (one.status or 'asking') .. stops
  elseif one.state == 'failed' then
    return 'no answer'
  elseif not one.answer then
    return keys.close ~= '' and keys.close .. ' closes' or ''
  end
  local answer = one.answer
  local parts = { answer.provider, answer.model }
  if answer.cost then
    parts[#parts + 1] = answer.cost == 0 and 'free' or ('$%.4f'):format(answer.cost)
  end
  if answer.cached then
    parts[#parts + 1] = 'cached'
  end
  parts[#parts + 1] = keys.follow_up ~= '' and keys.follow_up .. ' asks on' or nil
  return table.concat(parts, ' · ')
end

--- Returns the highlight group of the footer.
---@param one aiex.Shown
---@return string
function M.footer_group(one)
  local groups = { running = 'AiexRunning', failed = 'AiexError' }
  return groups[one.state] or 'AiexFooter'
end

return M

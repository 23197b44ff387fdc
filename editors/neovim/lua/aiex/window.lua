--- Windows of answers: one float that leaves the focus where it is, or splits that stay.
local M = {}

local config = require('aiex.config')
local labels = require('aiex.labels')
local float ---@type integer? the window there is at most one of

local function width_of(text)
  return vim.api.nvim_strwidth(text)
end

-- A line for the border, cut to what fits.
local function fitting(text, width)
  if width_of(text) <= width then
    return text
  end
  return vim.fn.strcharpart(text, 0, math.max(0, width - 1)) .. '…'
end

-- The border as nvim_open_win() takes it: the user's, else 'winborder', else rounded.
local function border()
  local given = config.get().answer.border
  if given ~= 'auto' then
    return given
  end
  local all = vim.o.winborder
  return all == '' and 'rounded' or all:find(',') and vim.split(all, ',') or all
end

-- Whether the border has lines above and below, which title and footer need.
local function bordered()
  local one = border()
  local top = type(one) == 'table' and (one[2] or one[1])
  return one ~= 'none' and one ~= 'shadow' and top ~= '' and not (top and top[1] == '')
end

-- Where the float stands: below the cursor's line if there is room, else above it.
local function geometry(answer, lines)
  local options = config.get().answer
  local edge = border() ~= 'none' and 2 or 0
  local screen = vim.o.lines - vim.o.cmdheight - (vim.o.laststatus > 0 and 1 or 0)
  local width = math.max(1, math.min(options.width, vim.o.columns - edge))
  local wanted = options.height < 1 and math.floor(screen * options.height) or options.height
  local row = math.min(answer.row, screen)
  local below, above = screen - row - edge, row - 1 - edge
  local up = below < math.min(wanted, 6) and above > below
  local room = up and above or below
  local least = math.min(3, screen - edge)
  if room < least then -- a screen this small is covered
    room, up, row = math.max(1, least), false, math.max(0, screen - edge - least)
  end
  return {
    relative = 'editor',
    anchor = up and 'SW' or 'NW',
    row = up and row - 1 or row,
    col = math.max(0, math.min(answer.column, vim.o.columns - width - edge)),
    width = width,
    height = math.max(1, math.min(lines + (bordered() and 0 or 1), math.floor(wanted), room)),
  }
end

local function decorate(answer, place)
  place.border = border()
  if not bordered() then
    return place
  end
  place.title = { { ' ' .. fitting(answer.title, place.width - 2) .. ' ', 'AiexTitle' } }
  place.footer = {
    { ' ' .. fitting(labels.footer(answer), place.width - 2) .. ' ', labels.footer_group(answer) },
  }
  place.footer_pos = 'right'
  return place
end

local function bar(answer)
  local function safe(text) return (text:gsub('%%', '%%%%')) end
  return ('%%#AiexTitle# %s %%=%%#%s#%%< %s '):format(
    safe(answer.title), labels.footer_group(answer), safe(labels.footer(answer)))
end

local function style(window)
  vim.wo[window][0].wrap = true
  vim.wo[window][0].linebreak = true
  vim.wo[window][0].conceallevel = 2
  vim.wo[window][0].number = false
  vim.wo[window][0].relativenumber = false
  vim.wo[window][0].signcolumn = 'no'
  vim.wo[window][0].foldenable = false
  vim.wo[window][0].foldcolumn = '0'
  vim.wo[window][0].statuscolumn = ''
  vim.wo[window][0].colorcolumn = ''
  vim.wo[window][0].list = false
  vim.wo[window][0].spell = false
end

--- Returns the window an answer is shown in, nil where it is in none.
---@param answer table
---@return integer?
function M.of(answer)
  return answer.window and vim.api.nvim_win_is_valid(answer.window)
    and vim.api.nvim_win_get_buf(answer.window) == answer.buffer
    and answer.window or nil
end

--- Returns whether a window is the float.
---@param window? integer
---@return boolean
function M.is_float(window)
  return window ~= nil and window == float and vim.api.nvim_win_is_valid(window)
end

--- Shows an answer in the float; what it held before goes on unseen.
---@param answer table
---@param enter boolean
function M.open_float(answer, enter)
  if M.is_float(float) then
    vim.api.nvim_win_close(float, true)
  end
  local home = vim.api.nvim_get_current_win()
  local at = vim.fn.screenpos(home, vim.fn.line('.'), vim.fn.col('.'))
  answer.row = at.row > 0 and at.row or vim.fn.win_screenpos(home)[1]
  answer.column = math.max(0, vim.fn.win_screenpos(home)[2] - 1 + vim.fn.getwininfo(home)[1].textoff)
  local place = decorate(answer, geometry(answer, 1))
  -- A buffer that was in a split remembers its winbar, for which one line is too little room.
  place.height = math.max(2, place.height)
  place.style = 'minimal'
  place.zindex = 45
  float = vim.api.nvim_open_win(answer.buffer, enter, place)
  answer.window = float
  style(float)
  vim.wo[float][0].winhighlight = 'FloatBorder:AiexBorder'
  M.refresh(answer)
end

--- Shows an answer in a split of its own; returns whether there was room for it.
---@param answer table
---@param enter boolean
---@return boolean
function M.open_split(answer, enter)
  local ok, window = pcall(vim.api.nvim_open_win, answer.buffer, enter, {
    split = config.get().answer.split,
    win = M.is_float(vim.api.nvim_get_current_win()) and vim.fn.win_getid(vim.fn.winnr('#')) or 0,
  })
  if ok then
    answer.window = window
    style(window)
    M.refresh(answer)
  end
  return ok
end

--- Moves an answer from the float into a split, where it goes on.
---@param answer table
function M.keep(answer)
  local window = M.of(answer)
  if window and not M.is_float(window) then
    return
  end
  local inside = window ~= nil and vim.api.nvim_get_current_win() == window
  local view = window and vim.api.nvim_win_call(window, vim.fn.winsaveview)
  if not M.open_split(answer, inside) then
    vim.notify('aiex: there is no room for a split', vim.log.levels.WARN)
  elseif window then
    vim.api.nvim_win_close(window, true)
    vim.api.nvim_win_call(answer.window, function() vim.fn.winrestview(view) end)
  end
end

--- Closes an answer's window; the text stays among the answers.
---@param answer table
function M.close(answer)
  local window = M.of(answer)
  if window and not pcall(vim.api.nvim_win_close, window, true) then
    vim.notify('aiex: the last window cannot be closed', vim.log.levels.WARN)
  end
  answer.window = nil
end

--- Fits an answer's window to its text, and the lines at its edge to its state.
---@param answer table
function M.refresh(answer)
  local window = M.of(answer)
  if not window then
    return
  end
  -- Without a border its lines stand in the bar.
  vim.wo[window][0].winbar = (not M.is_float(window) or not bordered()) and bar(answer) or ''
  if not M.is_float(window) then
    return
  end
  local place = geometry(answer, 1)
  if vim.api.nvim_win_get_width(window) ~= place.width then
    vim.api.nvim_win_set_config(window, place)
  end
  -- Wrapped lines are counted only where they matter: of a long text that would take seconds.
  local lines = vim.api.nvim_buf_line_count(answer.buffer)
  if lines < vim.o.lines then
    lines = vim.api.nvim_win_text_height(window, {}).all
  end
  vim.api.nvim_win_set_config(window, decorate(answer, geometry(answer, lines)))
end

return M

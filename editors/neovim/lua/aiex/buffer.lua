--- The buffers texts are shown in: scratch, named, coloured as markdown.
local M = {}

local painted = 150 -- lines: with more, parsing at each piece of the text would be felt
local count = 0

-- A name that no buffer has, also none of a restored session.
local function fresh_name()
  repeat
    count = count + 1
  until vim.fn.bufexists('aiex://answer/' .. count) == 0
  return 'aiex://answer/' .. count
end

--- Colours a text; one that is long and still grows is plain until it is whole.
---@param buffer integer
---@param grows boolean
function M.paint(buffer, grows)
  local plain = grows and vim.api.nvim_buf_line_count(buffer) > painted
  local active = vim.treesitter.highlighter.active[buffer] ~= nil
  if not plain and not active then
    pcall(vim.treesitter.start, buffer, 'markdown')
  elseif plain and active then
    vim.treesitter.stop(buffer)
    vim.bo[buffer].syntax = ''
  end
end

--- Returns a new, empty buffer that a text can be put in.
---@return integer
function M.make()
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buffer, fresh_name())
  vim.bo[buffer].bufhidden = 'hide'
  vim.bo[buffer].swapfile = false
  vim.bo[buffer].undolevels = -1
  vim.bo[buffer].filetype = 'markdown'
  vim.bo[buffer].modifiable = false
  return buffer
end

--- Puts a text in the place of the lines from `first` (from 0), where it is another.
---@param buffer integer
---@param first integer
---@param text string
function M.replace(buffer, first, text)
  local lines = vim.split(text, '\r?\n')
  -- A cursor in the same text stays where it is.
  if not vim.deep_equal(lines, vim.api.nvim_buf_get_lines(buffer, first, -1, false)) then
    vim.bo[buffer].modifiable = true
    vim.api.nvim_buf_set_lines(buffer, first, -1, false, lines)
    vim.bo[buffer].modifiable = false
  end
end

--- Puts a text at the end.
---@param buffer integer
---@param text string
function M.append(buffer, text)
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_set_text(buffer, -1, -1, -1, -1, vim.split(text, '\r?\n'))
  vim.bo[buffer].modifiable = false
end

--- Removes what a restored session made of the answers' windows: their texts are not kept.
function M.forget_restored()
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_get_name(buffer):find('^aiex://') and vim.bo[buffer].buftype == '' then
      vim.api.nvim_buf_delete(buffer, { force = true })
    end
  end
end

return M

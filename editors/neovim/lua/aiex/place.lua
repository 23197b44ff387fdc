--- Where a task is about: positions and ranges of a buffer as the protocol writes them.
local M = {}

-- The protocol's position of a line and byte column, both from 0.
local function position(client, buffer, row, column)
  local line = vim.api.nvim_buf_get_lines(buffer, row, row + 1, false)[1] or ''
  local bytes = math.max(0, math.min(column, #line))
  return {
    line = row,
    character = vim.str_utfindex(line, client.offset_encoding, bytes, false),
  }
end

---@class aiex.Lines a range of a buffer; rows and byte columns from 0, the end is outside
---@field [1] integer
---@field [2] integer
---@field [3] integer
---@field [4] integer

--- Returns the lines first to last (from 1) as a whole.
---@return aiex.Lines
function M.lines(buffer, first, last)
  local text = vim.api.nvim_buf_get_lines(buffer, last - 1, last, false)[1] or ''
  return { first - 1, 0, last - 1, #text }
end

--- Returns what is selected in visual mode, and leaves that mode.
---@return aiex.Lines
function M.selection(buffer)
  local mode = vim.fn.mode()
  local from, to = vim.fn.getpos('v'), vim.fn.getpos('.')
  if from[2] > to[2] or from[2] == to[2] and from[3] > to[3] then
    from, to = to, from
  end
  vim.api.nvim_feedkeys(vim.keycode('<Esc>'), 'nx', false)
  if mode ~= 'v' then
    return M.lines(buffer, from[2], to[2])
  end
  local line = vim.api.nvim_buf_get_lines(buffer, to[2] - 1, to[2], false)[1] or ''
  local past = #line
  if vim.o.selection == 'exclusive' then
    past = math.min(to[3] - 1, #line)
  elseif to[3] <= #line then
    past = to[3] - 1 + vim.str_utf_end(line, to[3]) + 1
  end
  return { from[2] - 1, from[3] - 1, to[2] - 1, past }
end

--- Returns the part of params that says where: the cursor, or the range given.
---@param client vim.lsp.Client
---@param buffer integer
---@param lines? aiex.Lines
---@return table
function M.params(client, buffer, lines)
  local params = { textDocument = vim.lsp.util.make_text_document_params(buffer) }
  if lines then
    params.range = {
      start = position(client, buffer, lines[1], lines[2]),
      ['end'] = position(client, buffer, lines[3], lines[4]),
    }
  else
    local cursor = vim.api.nvim_win_get_cursor(0)
    params.position = position(client, buffer, cursor[1] - 1, cursor[2])
  end
  return params
end

--- Returns a diagnostic of any source as the protocol writes it, in this client's columns.
---@param client vim.lsp.Client
---@param found vim.Diagnostic
---@return table
function M.diagnostic(client, found)
  local buffer = found.bufnr
  local told = vim.tbl_get(found, 'user_data', 'lsp') or {}
  return {
    range = {
      start = position(client, buffer, found.lnum, found.col),
      ['end'] = position(
        client, buffer, found.end_lnum or found.lnum, found.end_col or found.col),
    },
    severity = found.severity,
    message = found.message,
    source = found.source,
    code = found.code or told.code,
    relatedInformation = told.relatedInformation,
  }
end

--- Returns the diagnostics given and those other servers reported of a range's lines.
---@param client vim.lsp.Client
---@param buffer integer
---@param range lsp.Range
---@param given? table[]
---@return table[]
function M.with_diagnostics(client, buffer, range, given)
  local all = vim.list_extend({}, given or {})
  local own = {
    [vim.lsp.diagnostic.get_namespace(client.id, false)] = true,
    [vim.lsp.diagnostic.get_namespace(client.id, true)] = true,
  }
  for _, found in ipairs(vim.diagnostic.get(buffer)) do
    local last = found.end_lnum or found.lnum
    if found.lnum <= range['end'].line and last >= range.start.line and not own[found.namespace] then
      local one = M.diagnostic(client, found)
      local known = vim.iter(all):any(function(other)
        return other.message == one.message and vim.deep_equal(other.range.start, one.range.start)
      end)
      if not known then
        all[#all + 1] = one
      end
    end
  end
  return all
end

return M

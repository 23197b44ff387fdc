--- How columns are counted: as the buffer's other servers do. Neovim and plugins warn of a buffer
--- whose servers count differently.
local M = {}

-- Kinds of buffers whose servers take utf-8 where they may; the others know utf-16 only.
local UTF8 = { c = true, cpp = true, rust = true }

local function wanted(buffer)
  for _, client in ipairs(vim.lsp.get_clients({ bufnr = buffer })) do
    if client.name ~= 'aiex' then
      return client.offset_encoding
    end
  end
  return UTF8[vim.bo[buffer].filetype] and 'utf-8' or 'utf-16'
end

--- Puts the encoding of the current buffer's other servers before the rest in initialize's params.
---@param params lsp.InitializeParams
function M.before_init(params)
  local general = vim.tbl_get(params, 'capabilities', 'general')
  if not general or not vim.islist(general.positionEncodings) then
    return
  end
  local first = wanted(vim.api.nvim_get_current_buf())
  if not vim.list_contains(general.positionEncodings, first) then
    return
  end
  local order = vim.tbl_filter(function(one)
    return one ~= first
  end, general.positionEncodings)
  general.positionEncodings = { first, unpack(order) }
end

return M

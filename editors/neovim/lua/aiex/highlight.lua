--- Highlight groups: each a default link, so that a colour scheme or the user may have its own.
local M = {}

--- The groups and what they link to.
M.links = {
  AiexBorder = 'FloatBorder',
  AiexTitle = 'FloatTitle',
  AiexFooter = 'FloatFooter',
  AiexRunning = 'DiagnosticInfo',
  AiexError = 'DiagnosticError',
  AiexStatusOk = 'StatusLine',
  AiexStatusBusy = 'DiagnosticInfo',
  AiexStatusWarning = 'DiagnosticWarn',
  AiexStatusError = 'DiagnosticError',
}

--- Defines the groups, now and after each change of the colour scheme.
function M.define()
  local function link()
    for name, target in pairs(M.links) do
      vim.api.nvim_set_hl(0, name, { link = target, default = true })
    end
  end
  link()
  vim.api.nvim_create_autocmd('ColorScheme', {
    group = vim.api.nvim_create_augroup('aiex.highlight', {}),
    callback = link,
  })
end

return M

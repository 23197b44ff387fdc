--- aiex: explanations, reviews, tests and edits by language models, through aiex-lsp.
local M = {}

--- Takes the options and has the server start with the first buffer it is for.
---@param options? aiex.Options
function M.setup(options)
  if vim.fn.has('nvim-0.11') == 0 then
    vim.notify('aiex: Neovim 0.11 or later is needed', vim.log.levels.ERROR)
    return
  end
  local config = require('aiex.config')
  local taken, problems = config.resolve(options or {})
  for _, problem in ipairs(problems) do
    vim.notify('aiex: ' .. problem, vim.log.levels.ERROR)
  end
  config.set(taken)
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup('aiex.missing', {}),
    pattern = taken.filetypes,
    desc = 'aiex: say once where the server is missing',
    callback = function(event)
      local cmd = vim.bo[event.buf].buftype == '' and config.cmd()
      if cmd and vim.fn.executable(cmd[1]) == 0 then
        vim.notify_once(M.missing(cmd[1]), vim.log.levels.WARN)
      end
    end,
  })
  if taken.enabled then
    vim.lsp.enable('aiex')
  end
end

--- Returns what to say where the server's program is missing.
---@param program string
---@return string
function M.missing(program)
  return ('aiex: there is no program "%s" on PATH. Install aiex-lsp (:help aiex-install), '):format(program)
    .. 'or name it: setup { cmd = { "/path/to/aiex-lsp", "serve" } }'
end

--- Returns the text of the statusline: provider, model, today's cost; '' before the first report.
---@param options? { color?: boolean } with `color` the text carries its highlight group
---@return string
function M.statusline(options)
  local status = package.loaded['aiex.status']
  return status and status.text(options or {}) or ''
end

--- Returns the state behind the statusline as the server told it last, nil before.
---@return aiex.Report?
function M.status()
  local status = package.loaded['aiex.status']
  return status and status.report()
end

--- Does what `:Aiex` with the same words does, in the current buffer.
---@param words string such as 'explain detailed'
function M.run(words)
  vim.cmd.Aiex({ args = vim.split(words, ' ', { trimempty = true }) })
end

return M

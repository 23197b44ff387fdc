--- How the providers stand, as the server tells it: for the statusline and for autocommands.
local M = {}

---@class aiex.Report the protocol's `aiex/providerHealth`
---@field summary { text: string, tooltip: string, severity: 'ok'|'warning'|'error'|'busy' }
---@field active { provider?: string, model?: string, strategy: string }
---@field providers table[]
---@field todayCost? number

local icons = { ok = '●', busy = '◐', warning = '▲', error = '✕' }
local groups = {
  ok = 'AiexStatusOk', busy = 'AiexStatusBusy',
  warning = 'AiexStatusWarning', error = 'AiexStatusError',
}

local reports = {} ---@type table<integer, aiex.Report> by client
local newest ---@type integer?

--- Returns the report of the current buffer's server, else the newest; nil before the first.
---@return aiex.Report?
function M.report()
  for _, client in ipairs(vim.lsp.get_clients({ name = 'aiex', bufnr = 0 })) do
    if reports[client.id] then
      return reports[client.id]
    end
  end
  return reports[newest]
end

--- Returns the statusline's text, '' before the first report.
---@param options { color?: boolean }
---@return string
function M.text(options)
  local report = M.report()
  if not report then
    return ''
  end
  local severity = report.summary.severity
  local text = ('%s %s'):format(icons[severity] or '', report.summary.text):gsub('%%', '%%%%')
  return options.color and ('%%#%s#%s%%*'):format(groups[severity], text) or text
end

local function changed(report)
  vim.api.nvim_exec_autocmds('User', { pattern = 'AiexStatus', modeline = false, data = report })
  vim.cmd.redrawstatus({ bang = true })
end

--- Handles `aiex/providerHealth`: keeps the report and fires `User AiexStatus`.
---@param report aiex.Report
function M.on_report(_, report, context)
  reports[context.client_id], newest = report, context.client_id
  changed(report)
end

--- Forgets the report of a server that is no more.
---@param client_id integer
function M.server_gone(client_id)
  if reports[client_id] then
    reports[client_id] = nil
    newest = next(reports)
    changed(nil)
  end
end

return M

--- `:checkhealth aiex`.
local M = {}

local health = vim.health
local config = require('aiex.config')

-- What the server's program says to other words, with the environment it is started in.
local function told(cmd, ...)
  local resolved = vim.lsp.config.aiex or {}
  local options = { text = true, timeout = 15000, env = resolved.cmd_env, cwd = resolved.cmd_cwd }
  local ok, ran = pcall(function(...)
    return vim.system(config.tool(cmd, ...), options):wait()
  end, ...)
  return ok and ran or { code = 1, stdout = '', stderr = tostring(ran) }
end

-- Returns whether this Neovim is one the plugin works in; one before 0.8 has other names for health.
local function check_neovim()
  if not (health and health.start) then
    (health or require('health')).report_error('Neovim 0.11 or later is needed', { 'Update Neovim' })
    return false
  end
  health.start('aiex: Neovim')
  if vim.fn.has('nvim-0.11') == 1 then
    local version = vim.version()
    health.ok(('Neovim %d.%d.%d'):format(version.major, version.minor, version.patch))
  else
    health.error('Neovim 0.11 or later is needed', { 'Update Neovim' })
    return false
  end
  return true
end

local function check_server(cmd)
  health.start('aiex: server')
  if not cmd then
    health.info('started by a function of vim.lsp.config')
    return true
  end
  local path = vim.fn.exepath(cmd[1])
  if path == '' then
    health.error(('"%s" is not on PATH'):format(cmd[1]), {
      'Install aiex-lsp: see :help aiex-install',
      'or name it: require("aiex").setup { cmd = { "/path/to/aiex-lsp", "serve" } }',
    })
    return false
  end
  local ran = told(cmd, '--version')
  if ran.code == 0 then
    health.ok(('%s at %s'):format(vim.trim(ran.stdout), path))
  else
    health.error(('%s fails: %s'):format(
      table.concat(config.tool(cmd, '--version'), ' '), vim.trim(ran.stderr)))
  end
  return ran.code == 0
end

-- The dotted names of settings, sorted.
local function names(settings, prefix)
  local found = {}
  for key, value in pairs(settings) do
    local name = prefix .. key
    if type(value) == 'table' and next(value) and not vim.islist(value) then
      vim.list_extend(found, names(value, name .. '.'))
    else
      found[#found + 1] = name
    end
  end
  return vim.fn.sort(found)
end

local function check_setup(options)
  health.start('aiex: configuration')
  if vim.lsp.is_enabled('aiex') then
    health.ok('enabled for: ' .. table.concat(config.filetypes(), ', '))
  else
    health.warn('not enabled', { 'require("aiex").setup{} in init.lua, or vim.lsp.enable("aiex")' })
  end
  -- Names alone: this is pasted into reports, and a value may be a key.
  if next(options.settings) then
    health.info('settings: ' .. table.concat(names(options.settings, ''), ', '))
  end
end

-- Asks the server that runs, else its command line.
local function diagnosis(cmd)
  local client = vim.lsp.get_clients({ name = 'aiex' })[1]
  if client then
    local answer, why = client:request_sync('aiex/diagnoseConfig', vim.empty_dict(), 15000, 0)
    if answer and answer.result then
      return answer.result
    end
    return nil, answer and answer.err and answer.err.message or why
  end
  if not cmd then
    return nil, 'no server runs'
  end
  local ran = told(cmd, 'doctor', '--json')
  local ok, found = pcall(vim.json.decode, ran.stdout, { luanil = { object = true } })
  return ok and found or nil, vim.trim(ran.stderr or '')
end

local function check_providers(cmd)
  health.start('aiex: providers')
  local found, why = diagnosis(cmd)
  if not found then
    return health.error('The configuration could not be checked: ' .. (why or 'no answer'), {
      'Run `aiex-lsp doctor` in a terminal',
    })
  end
  local tell = { ok = health.ok, warning = health.warn, error = health.error }
  for _, check in ipairs(found.checks) do
    local text = ('%s: %s'):format(check.provider or check.id, check.message)
    if check.status == 'skipped' then
      health.info(('not in use: %s'):format(text))
    else
      local remedy = check.remedy ~= '' and check.status ~= 'ok' and { check.remedy } or nil
      tell[check.status](text, remedy)
    end
  end
end

local function check_buffers()
  health.start('aiex: buffers')
  local clients = vim.lsp.get_clients({ name = 'aiex' })
  if #clients == 0 then
    health.info('no server runs: it starts with the first buffer it is for')
  end
  for _, client in ipairs(clients) do
    local files = {}
    for buffer in pairs(client.attached_buffers) do
      files[#files + 1] = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buffer), ':~:.')
    end
    table.sort(files)
    health.ok(('in %s, positions in %s: %s'):format(
      client.root_dir or 'no project', client.offset_encoding, table.concat(files, ', ')))
  end
end

--- Reports on Neovim, the server, the configuration, the providers and the attached buffers.
function M.check()
  if not check_neovim() then
    return
  end
  local cmd = config.cmd()
  local found = check_server(cmd)
  check_setup(config.get())
  if found then
    check_providers(cmd)
  end
  check_buffers()
end

return M

--- `:checkhealth aiex`.
local M = {}

local health = vim.health

local function server_version(cmd)
  local ok, ran = pcall(function()
    return vim.system({ cmd[1], '--version' }, { text = true, timeout = 10000 }):wait()
  end)
  return ok and ran.code == 0 and vim.trim(ran.stdout) or nil
end

local function check_neovim()
  health.start('aiex: Neovim')
  if vim.fn.has('nvim-0.11') == 1 then
    local version = vim.version()
    health.ok(('Neovim %d.%d.%d'):format(version.major, version.minor, version.patch))
  else
    health.error('Neovim 0.11 or later is needed', { 'Update Neovim' })
  end
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
  local version = server_version(cmd)
  if version then
    health.ok(('%s at %s'):format(version, path))
  else
    health.error(('%s --version fails'):format(path), { 'Run it in a terminal to see why' })
  end
  return version ~= nil
end

local function check_setup(options)
  health.start('aiex: configuration')
  if vim.lsp.is_enabled('aiex') then
    health.ok('enabled for: ' .. table.concat(options.filetypes, ', '))
  else
    health.warn('not enabled', { 'require("aiex").setup{} in init.lua, or vim.lsp.enable("aiex")' })
  end
  if next(options.settings) then
    health.info('settings: ' .. vim.inspect(options.settings))
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
  local ran = vim.system({ cmd[1], 'doctor', '--json' }, { text = true, timeout = 15000 }):wait()
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
    local names = {}
    for buffer in pairs(client.attached_buffers) do
      names[#names + 1] = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buffer), ':~:.')
    end
    table.sort(names)
    health.ok(('in %s, positions in %s: %s'):format(
      client.root_dir or 'no project', client.offset_encoding, table.concat(names, ', ')))
  end
end

--- Reports on Neovim, the server, the configuration, the providers and the attached buffers.
function M.check()
  local config = require('aiex.config')
  local cmd = config.cmd()
  check_neovim()
  local found = check_server(cmd)
  check_setup(config.get())
  if found then
    check_providers(cmd)
  end
  check_buffers()
end

return M

--- The client of the language server: its start and end, and quick questions to it.
local M = {}

local prepared = setmetatable({}, { __mode = 'k' })

--- Gives every diagnostic of the lines to the code actions, whoever reported it.
---
--- Neovim sends a server its own diagnostics only; those of the language's server are the ones
--- there is something to fix about. Called at the client's start and when it attaches: an `on_init`
--- of the user's takes the place of the plugin's.
---@param client vim.lsp.Client
function M.on_init(client)
  if prepared[client] then
    return
  end
  prepared[client] = true
  local request = client.request
  function client:request(method, params, handler, bufnr)
    if method == 'textDocument/codeAction' and params.range then
      local buffer = bufnr and bufnr ~= 0 and bufnr or vim.api.nvim_get_current_buf()
      params.context.diagnostics = require('aiex.place').with_diagnostics(
        self, buffer, params.range, params.context.diagnostics)
    end
    return request(self, method, params, handler, bufnr)
  end
  require('aiex.highlight').define()
end

--- Ends what was under way when the server went.
function M.on_exit(_, _, client_id)
  vim.schedule(function()
    vim.api.nvim_create_augroup('aiex.waiting', {})
    require('aiex.jobs').server_gone(client_id)
    require('aiex.status').server_gone(client_id)
  end)
end

--- Ends the same where a server leaves a buffer because it has ended.
---@param client vim.lsp.Client
function M.on_detach(client)
  vim.schedule(function()
    if client:is_stopped() then
      M.on_exit(nil, nil, client.id)
    end
  end)
end

--- Returns the client of a buffer; where there is none, of any buffer; else says why.
---@param buffer? integer
---@param anywhere? boolean a client of another buffer is as good
---@return vim.lsp.Client?
function M.client(buffer, anywhere)
  local found = vim.lsp.get_clients({ name = 'aiex', bufnr = buffer or 0 })[1]
    or anywhere and vim.lsp.get_clients({ name = 'aiex' })[1]
  if not found then
    vim.notify(M.why_none(), vim.log.levels.WARN)
  end
  return found
end

-- Whether a server is on its way to a buffer: it starts, or its project is being looked for.
local function coming(buffer)
  return #vim.lsp.get_clients({ name = 'aiex', bufnr = buffer, _uninitialized = true }) > 0
end

--- Hands on the client of the current buffer: at once, or when the server that starts has started.
---@param anywhere boolean a client of another buffer is as good
---@param act fun(client: vim.lsp.Client)
function M.with_client(anywhere, act)
  local buffer = vim.api.nvim_get_current_buf()
  local here = vim.lsp.get_clients({ name = 'aiex', bufnr = buffer })[1]
  if here then
    return act(here)
  elseif not coming(buffer) then
    local client = M.client(buffer, anywhere)
    return client and act(client)
  end
  vim.api.nvim_echo({ { 'aiex: the server starts …' } }, false, {})
  vim.api.nvim_create_autocmd('LspAttach', {
    group = vim.api.nvim_create_augroup('aiex.waiting', { clear = false }),
    buffer = buffer,
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if not client or client.name ~= 'aiex' then
        return
      end
      vim.schedule(function()
        if vim.api.nvim_get_current_buf() == buffer then
          act(client)
        else
          vim.notify('aiex: the server has started; ask again in the file you asked about')
        end
      end)
      return true -- once
    end,
  })
end

--- Returns why no server is attached to the current buffer, and what to do.
---@return string
function M.why_none()
  local config = require('aiex.config')
  local cmd = config.cmd()
  local filetype = vim.bo.filetype
  if cmd and vim.fn.executable(cmd[1]) == 0 then
    return require('aiex').missing(cmd[1])
  elseif not vim.lsp.is_enabled('aiex') then
    return 'aiex: not started; call require("aiex").setup{} in your init.lua'
  elseif vim.bo.buftype ~= '' then
    return 'aiex: this window shows no file; go to the code first'
  elseif not vim.list_contains(config.filetypes(), filetype) then
    return ('aiex: not for filetype "%s"; add it to `filetypes` in setup'):format(filetype)
  end
  return 'aiex: not attached to this buffer (yet); :checkhealth aiex says more'
end

--- Asks the server something that needs no model, and hands on the result.
---@param client vim.lsp.Client
---@param method string
---@param params table
---@param done fun(result: any)
function M.ask(client, method, params, done)
  params = next(params) and params or vim.empty_dict() -- an empty table would be a list
  local sent = client:request(method, params, function(err, result)
    if err then
      vim.notify('aiex: ' .. err.message, vim.log.levels.ERROR)
    else
      done(result)
    end
  end)
  if not sent then
    vim.notify('aiex: the server has ended; :edit starts it again', vim.log.levels.ERROR)
  end
end

--- Returns the answer to a quick question, nil where it is not there in time: for completion.
---@param method string
---@return any
function M.ask_now(method)
  local client = vim.lsp.get_clients({ name = 'aiex', bufnr = 0 })[1]
    or vim.lsp.get_clients({ name = 'aiex' })[1]
  local answer = client and client:request_sync(method, vim.empty_dict(), 1000, 0)
  return answer and answer.result
end

return M

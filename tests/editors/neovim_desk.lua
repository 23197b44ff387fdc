-- What the scripts of the Neovim plugin's tests share: waiting, looking, the provider's strings.
local M = { seen = {}, asked = {}, offered = {}, notified = {} }

local folder = vim.env.AIEX_DESK
M.HOLD, M.CUT = '<hold>', '<cut>'

function M.done()
  M.seen.notified = M.notified
  local file = assert(io.open(vim.env.AIEX_SEEN, 'w'))
  file:write(vim.json.encode(M.seen))
  file:close()
  vim.cmd('qall!')
end

function M.wait(what, condition)
  local found
  if not vim.wait(8000, function()
    found = condition()
    return found
  end, 10) then
    M.seen.stuck = what
    M.seen.messages = vim.fn.execute('messages')
    M.seen.buffers = vim.tbl_map(M.text, vim.api.nvim_list_bufs())
    M.done()
    error('stuck: ' .. what)
  end
  return found
end

function M.text(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer or 0, 0, -1, false), '\n')
end

-- The strings by which the provider is led.
local function path(name) return folder .. '/' .. name end
function M.put(name, text) vim.fn.writefile({ text or '' }, path(name)) end
function M.take(name) vim.fn.delete(path(name)) end
function M.next(...) M.put('next', vim.json.encode({ ... })) end
function M.held()
  M.wait('a held answer', function() return vim.uv.fs_stat(path('held')) end)
  M.take('held')
end
function M.go() M.put('go') end
function M.left()
  M.wait('the provider to be left', function() return vim.uv.fs_stat(path('left')) end)
  M.take('left')
  return true
end

-- The floating window of the plugin, its buffer and its text.
function M.float()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    local buffer = vim.api.nvim_win_get_buf(window)
    if vim.api.nvim_win_get_config(window).relative ~= ''
      and vim.api.nvim_buf_get_name(buffer):find('aiex://', 1, true) then
      return window, buffer, M.text(buffer)
    end
  end
end

function M.float_with(text)
  return M.wait('float with ' .. text, function()
    local window, _, shown = M.float()
    return window and shown:find(text, 1, true) and window
  end)
end

local function border(window, part)
  local found = vim.api.nvim_win_get_config(window)[part]
  return found and found[1] and vim.trim(found[1][1]) or ''
end
function M.footer(window) return border(window, 'footer') end
function M.title(window) return border(window, 'title') end

-- Waits until no model works for this editor.
function M.idle()
  M.wait('idle', function() return #require('aiex.jobs').running() == 0 end)
end

-- What the user picks and types: a plain text that the item holds, nil for <Esc>.
function M.answer_with(choice, input)
  M.offered, M.asked = {}, {}
  M.picked = false
  vim.ui.select = function(items, options, choose)
    local formatted = vim.tbl_map(options.format_item or tostring, items)
    M.offered, M.prompt = formatted, options.prompt
    for index, text in ipairs(formatted) do
      if choice and text:find(choice, 1, true) then
        M.picked = true
        return choose(items[index], index)
      end
    end
    M.picked = true
    choose(nil)
  end
  vim.ui.input = function(options, confirm)
    M.asked[#M.asked + 1] = options.prompt
    confirm(input)
  end
end

function M.code_action(title)
  M.answer_with(title, M.typed)
  vim.lsp.buf.code_action()
  M.wait('code actions', function() return M.picked end)
  return M.offered
end

-- Listens from now on; `said` waits for a message that came since.
function M.listen() M.heard = #M.notified end
function M.said(text)
  return M.wait('message ' .. text, function()
    for index = (M.heard or 0) + 1, #M.notified do
      if M.notified[index]:find(text, 1, true) then return M.notified[index] end
    end
  end)
end

function M.attached()
  return M.wait('attach', function()
    local client = vim.lsp.get_clients({ bufnr = 0, name = 'aiex' })[1]
    return client and client.initialized and client
  end)
end

-- In its first moment the server lists no actions rather than hold the editor: settings are read,
-- the language's parser is loaded. It is past that when it names the symbol.
local function ready(client)
  client:request_sync('aiex/providers', vim.empty_dict(), 8000)
  M.wait('a named symbol', function()
    local answer = client:request_sync('textDocument/codeAction', vim.tbl_extend('force',
      vim.lsp.util.make_range_params(0, client.offset_encoding),
      { context = { diagnostics = {}, triggerKind = 1 } }), 8000)
    return vim.iter(answer and answer.result or {}):any(function(one)
      return one.title == 'Explain `total`'
    end)
  end)
end

-- Opens the project's source with the cursor on the function's name.
function M.open()
  vim.cmd.edit(vim.env.AIEX_SOURCE)
  local client = M.attached()
  M.to_symbol()
  ready(client)
  return client, vim.api.nvim_get_current_buf()
end

function M.to_symbol()
  local line = vim.fn.search('^def total', 'cnw')
  vim.api.nvim_win_set_cursor(0, { line, 4 })
end

function M.run(script)
  vim.notify = function(message) M.notified[#M.notified + 1] = message end
  vim.schedule(function()
    local ok, why = xpcall(script, debug.traceback)
    if not ok and not M.seen.stuck then
      M.seen.stuck = why
      M.done()
    end
  end)
end

return M

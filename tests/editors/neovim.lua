-- A programmer at Neovim: what they do, and what they see, as JSON in $AIEX_SEEN.
local seen = {}
local plain_documents = vim.env.AIEX_PLAIN == '1'

local function done()
  local file = assert(io.open(vim.env.AIEX_SEEN, 'w'))
  file:write(vim.json.encode(seen))
  file:close()
  vim.cmd('qall!')
end

local function wait(what, condition)
  if not vim.wait(8000, condition, 20) then
    seen.stuck = what
    seen.messages = vim.fn.execute('messages')
    done()
    error('stuck: ' .. what)
  end
end

local function text(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n')
end

-- The buffer shown in some window whose name and text match.
local function window_with(pattern, name)
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    local buffer = vim.api.nvim_win_get_buf(window)
    if vim.api.nvim_buf_get_name(buffer):find(name or '', 1, true)
      and text(buffer):find(pattern, 1, true) then
      return window, buffer
    end
  end
end

local function close_floats()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then
      vim.api.nvim_win_close(window, true)
    end
  end
end

local function hover()
  close_floats()
  vim.lsp.buf.hover()
  local shown
  wait('hover', function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= '' then
        shown = text(vim.api.nvim_win_get_buf(window))
        return true
      end
    end
  end)
  close_floats()
  return shown
end

local offered = {}
local pick
vim.ui.select = function(items, options, choose)
  offered = {}
  for _, item in ipairs(items) do
    offered[#offered + 1] = options.format_item(item)
  end
  for _, item in ipairs(items) do
    if pick and item.action.title:find(pick, 1, true) then return choose(item) end
  end
  choose(nil)
end

local function code_action(title)
  offered, pick = {}, title
  vim.lsp.buf.code_action()
  wait('code actions', function() return #offered > 0 end)
  return offered
end

local function run()
  local notified = {}
  vim.notify = function(message) notified[#notified + 1] = message end
  seen.notified = notified

  local client
  wait('attach', function()
    client = vim.lsp.get_clients({ bufnr = 0, name = 'aiex' })[1]
    return client and client.initialized
  end)
  seen.encoding = client.offset_encoding
  seen.root = client.root_dir
  vim.api.nvim_win_set_cursor(0, { tonumber(vim.env.AIEX_LINE) + 1, tonumber(vim.env.AIEX_COLUMN) })

  -- In its first moment the server shows no hover rather than hold the editor: settings are read,
  -- the language's parser is loaded. It is past that when it names the symbol.
  local function listed()
    local answers = vim.lsp.buf_request_sync(0, 'textDocument/codeAction', vim.tbl_extend('force',
      vim.lsp.util.make_range_params(0, client.offset_encoding),
      { context = { diagnostics = {}, triggerKind = 1 } }), 2000)
    local answer = answers and answers[client.id]
    return answer and answer.result or {}
  end
  client:request_sync('aiex/providers', vim.empty_dict(), 8000)
  wait('a named symbol', function()
    return vim.iter(listed()):any(function(one) return one.title == 'Explain `total`' end)
  end)
  seen.hover_first = hover()
  for _ = 1, 40 do
    seen.hover_second = hover()
    if not seen.hover_second:find('hover again', 1, true) then break end
    vim.wait(50)
  end

  local home = vim.api.nvim_get_current_win()
  seen.actions = code_action('Explain')
  wait('explanation', function() return window_with('Nothing is rounded', plain_documents and '.md' or 'aiex://answer') end)
  local window, buffer = window_with('Nothing is rounded')
  seen.explanation = text(buffer)
  seen.filetype = vim.bo[buffer].filetype
  seen.focus_kept = vim.api.nvim_get_current_win() == home
  vim.api.nvim_win_close(window, true)
  if plain_documents then return done() end

  vim.cmd('Aiex explain')
  wait('explanation by command', function() return window_with('Nothing is rounded', 'aiex://answer') end)
  vim.api.nvim_win_close((window_with('Nothing is rounded', 'aiex://answer')), true)
  vim.cmd('6,6Aiex explain')
  wait('explanation of lines', function() return window_with('Nothing is rounded', 'aiex://answer') end)
  vim.api.nvim_set_current_win(home)

  vim.cmd('Aiex analyze')
  wait('findings', function() return #vim.diagnostic.get(0) > 0 end)
  seen.findings = vim.tbl_map(function(d)
    return { line = d.lnum, message = d.message, source = d.source }
  end, vim.diagnostic.get(0))
  vim.cmd('Aiex clearFindings')
  wait('no findings', function() return #vim.diagnostic.get(0) == 0 end)

  code_action('Generate tests')
  wait('tests', function()
    for _, b in ipairs(vim.api.nvim_list_bufs()) do
      if vim.api.nvim_buf_get_name(b):find('test_prices', 1, true)
        and text(b):find('test_total_takes', 1, true) then
        seen.tests_file, seen.tests, seen.tests_modified =
          vim.api.nvim_buf_get_name(b), text(b), vim.bo[b].modified
        return true
      end
    end
  end)
  seen.source_after = text(vim.api.nvim_win_get_buf(home))

  vim.api.nvim_set_current_win(home)
  vim.cmd('Aiex pause')
  wait('pause', function() return #listed() == 0 end)
  seen.paused = true
  done()
end

vim.schedule(function()
  local ok, why = xpcall(run, debug.traceback)
  if not ok and not seen.stuck then
    seen.stuck = why
    done()
  end
end)

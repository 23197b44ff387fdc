-- A programmer at Neovim with the language's own server and aiex in one buffer: what they see.
-- Everything is done by keys and waited for by a timer, so that Neovim's own loop runs between.
local seen = {}
local other = vim.env.AIEX_OTHER

local function done()
  local file = assert(io.open(vim.env.AIEX_SEEN, 'w'))
  file:write(vim.json.encode(seen))
  file:close()
  vim.cmd('qall!')
end

-- Return what `condition` gives once it holds, and the milliseconds that took.
local function wait(what, condition)
  local began = vim.uv.hrtime()
  local me = coroutine.running()
  while true do
    local found = condition()
    local elapsed = (vim.uv.hrtime() - began) / 1e6
    if found then return found, elapsed end
    if elapsed > 20000 then
      seen.stuck = what
      seen.messages = vim.fn.execute('messages')
      done()
    end
    vim.defer_fn(function() coroutine.resume(me) end, 2)
    coroutine.yield()
  end
end

local function type_keys(keys)
  vim.api.nvim_feedkeys(vim.keycode(keys), 't', false)
end

local function text(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer or 0, 0, -1, false), '\n')
end

local function float()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then return window end
  end
end

local function close_float()
  local window = float()
  if window then vim.api.nvim_win_close(window, true) end
end

local function go_to(pattern)
  vim.api.nvim_win_set_cursor(0, { 1, 0 })
  assert(vim.fn.search(pattern, 'cW') > 0, pattern)
end

-- What K shows over a word, and the milliseconds from the key to the float.
local function hover(pattern)
  close_float()
  go_to(pattern)
  type_keys('K')
  local window, took = wait('hover of ' .. pattern, float)
  local shown = text(vim.api.nvim_win_get_buf(window))
  close_float()
  return { text = shown, ms = took }
end

-- The words Neovim completes after the dot of `name.upper()`; nothing is changed by asking.
local function complete()
  go_to('name\\.\\zsupper')
  type_keys('i<C-x><C-o>')
  local items, took = wait('completion', function()
    local items = vim.fn.complete_info({ 'items' }).items
    return vim.fn.pumvisible() == 1 and #items > 0 and items
  end)
  local words = vim.tbl_map(function(item) return item.word end, items)
  table.sort(words)
  type_keys('<C-e><Esc>')
  wait('normal mode', function() return vim.fn.mode() == 'n' end)
  return { words = words, ms = took }
end

local function attached(name)
  return wait(name, function()
    local client = vim.lsp.get_clients({ bufnr = 0, name = name })[1]
    return client and client.initialized and client
  end)
end

local function diagnostics()
  local found = {}
  for _, one in ipairs(vim.diagnostic.get(0)) do
    found[#found + 1] = { source = one.source, message = one.message, line = one.lnum }
  end
  table.sort(found, function(a, b) return a.source .. a.message < b.source .. b.message end)
  return found
end

local function from(source)
  return vim.tbl_filter(function(one) return one.source == source end, vim.diagnostic.get(0))
end

-- The code actions offered at a word, as "client: title", in the order of the menu.
local function offered(pattern)
  local items
  vim.ui.select = function(given, _, choose)
    items = vim.tbl_map(function(item)
      return vim.lsp.get_client_by_id(item.ctx.client_id).name .. ': ' .. item.action.title
    end, given)
    choose(nil)
  end
  go_to(pattern)
  type_keys('gra')
  wait('code actions', function() return items end)
  return items
end

local function changed_by(keys_or_call)
  local before = text()
  if type(keys_or_call) == 'string' then type_keys(keys_or_call) else keys_or_call() end
  wait('a change', function() return text() ~= before end)
  local after = text()
  type_keys('u')
  wait('undo', function() return text() == before end)
  return after
end

-- What only the scripted server shows at its words, with both servers asked alike.
local function marks()
  local found = {}
  go_to('- \\zsdiscount')
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  wait('semantic tokens', function()
    found.tokens = vim.tbl_map(function(one)
      return { one.type, one.start_col, one.end_col, vim.lsp.get_client_by_id(one.client_id).name }
    end, vim.lsp.semantic_tokens.get_at_pos(0, row - 1, column) or {})
    return #found.tokens > 0
  end)

  vim.lsp.inlay_hint.enable(true, { bufnr = 0 })
  wait('inlay hints', function() return #vim.lsp.inlay_hint.get({ bufnr = 0 }) > 0 end)
  found.hints = vim.tbl_map(function(one)
    return { one.inlay_hint.label, one.inlay_hint.position.line, one.inlay_hint.position.character }
  end, vim.lsp.inlay_hint.get({ bufnr = 0 }))
  vim.lsp.inlay_hint.enable(false, { bufnr = 0 })

  local space = vim.api.nvim_create_namespace('nvim.lsp.references')
  local function highlights()
    return vim.tbl_map(function(one) return { one[2], one[3], one[4].end_col } end,
      vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true }))
  end
  vim.lsp.buf.document_highlight()
  wait('highlights', function() return #highlights() > 0 end)
  found.highlights = highlights()
  vim.lsp.buf.clear_references()

  close_float()
  type_keys('i<C-s>')
  local window = wait('signature help', float)
  found.help = text(vim.api.nvim_win_get_buf(window))
  type_keys('<Esc>')
  wait('normal mode', function() return vim.fn.mode() == 'n' end)
  close_float()

  vim.fn.setloclist(0, {})
  vim.lsp.buf.document_symbol({ on_list = function(list) found.symbols = list.items end })
  wait('symbols', function() return found.symbols end)
  found.symbols = vim.tbl_map(function(one) return one.text end, found.symbols)
  return found
end

-- What a server does alone that the scripted one can do: changes, jumps, quick fixes.
local function use_scripted()
  local line = vim.diagnostic.get(0)[1].lnum
  local function reported(at)
    local found = from('other')
    return #found == 1 and found[1].lnum == at and found[1].message
  end
  type_keys('ggO# a change<Esc>')
  wait('the change', function() return text():find('a change', 1, true) end)
  vim.diagnostic.reset()
  local _, took = wait('diagnostics after a change', function() return reported(line + 1) end)
  seen.diagnostics_ms = took
  type_keys('u')
  wait('diagnostics after undo', function() return reported(line) end)

  seen.actions = offered('\\<discount\\>')
  local asked = false
  vim.ui.select = function(_, _, choose) asked = true; choose(nil) end
  go_to('\\<discount\\>')
  local function apply(filter)
    return changed_by(function()
      vim.lsp.buf.code_action({ apply = true, context = { only = { 'quickfix' } }, filter = filter })
    end)
  end
  local fixes = vim.tbl_filter(function(one) return one:find('Fix: ', 1, true) end, seen.actions)
  seen.fixed_only = #fixes == 0 and apply() or nil
  seen.fixed = apply(function(action) return action.isPreferred == true end)
  seen.fix_asked = asked
  seen.renamed = changed_by(function() vim.lsp.buf.rename('rebate') end)
  seen.formatted = changed_by(function() vim.lsp.buf.format({ async = true }) end)
  go_to('return sum')
  type_keys('<C-]>')
  wait('definition', function() return vim.api.nvim_win_get_cursor(0)[1] == 1 end)
  seen.jumped = true
end

local function run()
  vim.notify = function(message) seen.notified = vim.list_extend(seen.notified or {}, { message }) end
  attached(other)
  wait('diagnostics alone', function() return #vim.diagnostic.get(0) > 0 end)
  hover('\\<total\\>') -- the first of anything is slow, with whatever server
  local alone, took = nil, {}
  for _ = 1, 4 do
    alone = hover('\\<total\\>')
    took[#took + 1] = alone.ms
  end
  seen.alone = { hover = alone.text, hover_ms = took, completion = complete(),
    diagnostics = diagnostics() }
  seen.alone.marks = other == 'other' and marks() or nil

  start_aiex()
  local aiex = attached('aiex')
  seen.claims = vim.tbl_keys(aiex.server_capabilities)
  seen.columns = { other = attached(other).offset_encoding, aiex = aiex.offset_encoding }
  local function hovers(patterns)
    return vim.tbl_map(hover, patterns)
  end
  seen.first_hovers = hovers({ '\\<total\\>', '\\<shout\\>' })
  local started
  aiex:request('aiex/renderPrompt', { task = 'explain', textDocument = { uri = vim.uri_from_bufnr(0) } },
    function() started = true end)
  wait('the start', function() return started end)
  seen.hovers = hovers({ '\\<total\\>', '\\<shout\\>', '\\<listed\\>', '\\<total\\>' })
  seen.completion = complete()
  seen.diagnostics = diagnostics()

  go_to('\\<total\\>')
  local where = vim.lsp.util.make_position_params(0, aiex.offset_encoding)
  aiex:exec_cmd({ title = 'aiex', command = 'aiex/analyze', arguments = { where } })
  wait('findings', function() return #from('aiex') > 0 end)
  seen.with_findings = diagnostics()
  aiex:exec_cmd({ title = 'aiex', command = 'aiex/clearFindings', arguments = {} })
  wait('no findings', function() return #from('aiex') == 0 end)
  seen.after_findings = diagnostics()

  vim.cmd('silent checkhealth vim.lsp')
  seen.health = text()
  vim.cmd('bdelete')
  if other == 'other' then
    seen.marks = marks()
    use_scripted()
  end
  done()
end

vim.schedule(function()
  coroutine.wrap(function()
    local ok, why = xpcall(run, debug.traceback)
    if not ok and not seen.stuck then
      seen.stuck = why
      done()
    end
  end)()
end)

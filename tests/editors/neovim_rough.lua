-- A programmer with many windows, habits and accidents.
local desk = dofile(vim.env.AIEX_HELPERS .. '/neovim_desk.lua')
local seen = desk.seen

desk.run(function()
  -- A configuration that is loaded again.
  require('aiex').setup { answer = { keys = { cancel = '', follow_up = '' } } }
  local client, source = desk.open()
  local home = vim.api.nvim_get_current_win()
  require('aiex').setup { answer = { keys = { follow_up = '' } } }
  seen.clients = #vim.lsp.get_clients({ name = 'aiex' })

  -- What is to be known of who answers comes along with the answer, once.
  local request = client.request
  function client:request(method, params, handler, buffer)
    return request(self, method, params, handler and function(err, result, ...)
      if result and result.answer then
        result.answer.note = 'A larger model answers better.'
      end
      return handler(err, result, ...)
    end, buffer)
  end
  desk.next('With a note.')
  vim.cmd('Aiex explain')
  local window = desk.float_with('A larger model')
  desk.idle()
  seen.note, seen.footer = select(3, desk.float()), desk.footer(window)
  desk.next('And no second one.')
  vim.cmd('Aiex followup And now?')
  desk.float_with('no second one')
  desk.idle()
  seen.note_after = select(3, desk.float())
  client.request = request

  -- Two servers count what they show alike: neither replaces the other's.
  local show = client.handlers['aiex/showMarkdown']
  show(nil, { id = 'aiex-1', title = 'One', markdown = 'Of one.' }, { client_id = client.id })
  local first = select(2, desk.float())
  show(nil, { id = 'aiex-1', title = 'Other', markdown = 'Of another.' }, { client_id = client.id + 1 })
  seen.shown = { desk.text(first), desk.text((select(2, desk.float()))) }
  show(nil, { id = 'aiex-1', title = 'One', markdown = 'Of one, more.' }, { client_id = client.id })
  seen.shown_more = desk.text(first)
  vim.cmd('Aiex close')

  -- A command in the window of an answer says where to go.
  vim.cmd('Aiex focus')
  vim.cmd('Aiex explain')
  seen.no_file = desk.said('shows no file')
  vim.cmd('Aiex close')
  vim.api.nvim_set_current_win(home)

  -- A long text is plain while it grows, and coloured when it is whole.
  local paragraph = ('word '):rep(18) .. '\n\n'
  desk.next(paragraph:rep(2000), desk.HOLD, 'The end.')
  desk.to_symbol()
  vim.cmd('Aiex explain')
  desk.held()
  local _, buffer = desk.wait('the long text', function()
    local at, shown = desk.float()
    return at and vim.api.nvim_buf_line_count(shown) > 3999 and at
  end), select(2, desk.float())
  seen.plain = vim.treesitter.highlighter.active[buffer] == nil
  desk.go()
  desk.float_with('The end.')
  desk.idle()
  seen.coloured = vim.treesitter.highlighter.active[buffer] ~= nil
  seen.long_height = vim.api.nvim_win_get_height((desk.float()))
  vim.cmd('Aiex close')

  -- Another tab, and the buffer asked about wiped while the model writes; then asked on.
  vim.cmd('tab split')
  desk.to_symbol()
  desk.next('Half of it', desk.HOLD, ' and the rest.')
  vim.cmd('Aiex explain')
  desk.held()
  desk.float_with('Half of it')
  vim.cmd.tabclose()
  desk.next('Gone, and answered.')
  vim.cmd.enew()
  vim.cmd.bwipeout({ source, bang = true })
  desk.go()
  desk.idle()
  vim.cmd('Aiex focus')
  seen.wiped = desk.text(0)
  vim.cmd('Aiex followup Where is it?')
  desk.wait('reply', function() return desk.text(0):find('Gone, and answered.', 1, true) end)
  desk.idle()
  vim.cmd('Aiex close')

  -- The server crashes while a text streams; opening the file again starts it again.
  vim.cmd.edit(vim.env.AIEX_SOURCE)
  client = desk.attached()
  desk.to_symbol()
  desk.next('Cut off', desk.HOLD)
  vim.cmd('Aiex explain detailed')
  desk.held()
  desk.float_with('Cut off')
  for _, process in ipairs(vim.api.nvim_get_proc_children(vim.fn.getpid())) do
    vim.uv.kill(process, 'sigkill')
  end
  desk.float_with('The server has ended')
  seen.crashed = select(3, desk.float())
  vim.cmd('Aiex close')
  vim.cmd.edit()
  desk.wait('another server', function()
    local other = vim.lsp.get_clients({ bufnr = 0, name = 'aiex' })[1]
    return other and other.initialized and other.id ~= client.id
  end)
  desk.to_symbol()
  desk.next('There again.')
  vim.cmd('Aiex explain')
  desk.float_with('There again.')
  desk.idle()
  seen.errors = vim.v.errmsg
  desk.done()
end)

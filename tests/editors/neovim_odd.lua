-- A programmer whose configuration, screen and habits differ from what the plugin expects.
local desk = dofile(vim.env.AIEX_HELPERS .. '/neovim_desk.lua')
local seen = desk.seen

local function explain(more)
  vim.cmd('Aiex explain ' .. (more or ''))
  local window = desk.float_with('Nothing is rounded')
  desk.idle()
  return window
end

local function health()
  vim.cmd('checkhealth aiex')
  local text = desk.text(0)
  vim.cmd.bwipeout()
  return text
end

-- What a Neovim that restores a session of this one has: windows, and answers among its buffers.
local function restored()
  local file = vim.fn.tempname() .. '.vim'
  vim.cmd.mksession(file)
  local look = 'lua io.write(#vim.api.nvim_list_wins(), " ", vim.fn.execute("ls!"))'
  local found = vim.system({
    vim.v.progpath, '--headless', '-n', '-i', 'NONE', '-u', 'NONE',
    '--cmd', 'set rtp^=' .. vim.env.AIEX_PLUGIN, '--cmd', 'runtime plugin/aiex.lua',
    '-S', file, '+' .. look, '+qall!',
  }, { text = true, timeout = 8000 }):wait()
  return vim.fn.system({ 'grep', '-c', 'aiex://', file }), found.stdout
end

desk.run(function()
  -- Loaded late, by a plugin manager, with a file open and a command that does not wait; the
  -- user's own callbacks, root and keys stand under the same name.
  vim.cmd.edit(vim.env.AIEX_SOURCE)
  desk.to_symbol()
  local calls = {}
  vim.lsp.config('aiex', {
    on_init = function() calls[#calls + 1] = 'on_init' end,
    on_exit = function() calls[#calls + 1] = 'on_exit' end,
  })
  vim.opt.rtp:prepend(vim.env.AIEX_PLUGIN)
  vim.cmd.runtime('plugin/aiex.lua')
  require('aiex').setup { settings = { providers = { mine = { type = 'openai', api_key = 'sk-own' } } } }
  vim.cmd('Aiex explain')
  vim.cmd.enew()
  seen.went_away = desk.said('the server has started')
  vim.cmd.edit(vim.env.AIEX_SOURCE)
  local client, source = desk.open()
  vim.diagnostic.set(vim.api.nvim_create_namespace('other'), source, {
    { lnum = 5, col = 11, end_col = 17, message = 'Discount goes first', source = 'ruff' },
  })
  vim.api.nvim_win_set_cursor(0, { 6, 12 })
  seen.actions = desk.code_action('none of them')
  seen.group = vim.api.nvim_get_hl(0, { name = 'AiexTitle' }).link
  seen.health = health()

  vim.cmd('Aiex prompt tets')
  seen.no_task = desk.said('no task "tets"')

  -- 'winborder' holds for answers too; without a border its lines stand in a bar.
  desk.to_symbol()
  vim.o.winborder = 'double'
  seen.winborder = vim.api.nvim_win_get_config(explain()).border[1]
  vim.o.winborder = 'none'
  local window = explain()
  seen.bar = vim.api.nvim_eval_statusline(vim.wo[window].winbar, { winid = window }).str
  seen.bar_height = vim.api.nvim_win_get_height(window)
  vim.o.winborder = ''
  seen.rounded = vim.api.nvim_win_get_config(explain()).border[1]

  -- A split has none of the marks that are for code, and where there is no room the float stays.
  for name, value in pairs({ list = true, spell = true, colorcolumn = '80', foldcolumn = '2' }) do
    vim.o[name] = value
  end
  local lines = vim.o.lines
  vim.o.lines = 4
  vim.cmd('Aiex keep')
  seen.no_room = desk.said('no room for a split')
  seen.float_stays = desk.float() ~= nil
  vim.o.lines = lines
  vim.cmd('Aiex keep')
  local split = vim.fn.bufwinid('aiex://answer/3')
  seen.marks = { vim.wo[split].list, vim.wo[split].spell, vim.wo[split].colorcolumn, vim.wo[split].foldcolumn }

  -- Answers that are to be splits are, beside the code and without the focus; without room a float.
  require('aiex').setup { answer = { layout = 'split', split = 'right' } }
  local function shown_in(name)
    return desk.wait('window of ' .. name, function()
      local at = vim.fn.bufwinid(name)
      return at ~= -1 and desk.text(vim.fn.bufnr(name)):find('Nothing is rounded') and at
    end)
  end
  vim.cmd('Aiex close')
  local home = vim.api.nvim_get_current_win()
  vim.cmd('Aiex explain')
  local beside = shown_in('aiex://answer/4')
  desk.idle()
  seen.beside = {
    vim.api.nvim_win_get_config(beside).relative, vim.api.nvim_get_current_win() == home,
    vim.fn.win_screenpos(beside)[2] > vim.fn.win_screenpos(home)[2],
  }
  vim.cmd('Aiex close')
  local columns, least = vim.o.columns, vim.o.winminwidth
  vim.o.columns, vim.o.winminwidth = 12, 8
  vim.cmd('Aiex explain')
  seen.squeezed = vim.api.nvim_win_get_config(shown_in('aiex://answer/5')).relative
  desk.idle()
  vim.cmd('Aiex close')
  vim.o.columns, vim.o.winminwidth = columns, least
  require('aiex').setup {}
  explain()
  vim.cmd('Aiex keep')

  -- A session remembers the window of an answer, but not its text.
  seen.session_lines, seen.restored = restored()
  vim.cmd('Aiex close')

  -- A buffer has the next answer's name, such as one a session made.
  vim.cmd('split | enew | file aiex://answer/7')
  vim.cmd.wincmd('p')
  explain()
  seen.past_taken = vim.api.nvim_buf_get_name((select(2, desk.float())))
  vim.cmd('Aiex close')
  vim.cmd.only()

  -- An answer that comes out of sight is told.
  desk.next('Slow', desk.HOLD, ' answer')
  vim.cmd('Aiex explain')
  desk.held()
  vim.cmd('Aiex followup And then?')
  seen.too_early = desk.said('no finished answer')
  vim.api.nvim_win_close((desk.float()), true)
  desk.listen()
  desk.go()
  seen.unseen = desk.said('there is an answer')

  -- The command line window is open while an answer grows.
  desk.next('Slow', desk.HOLD, ' answer in sight')
  vim.cmd('Aiex explain')
  desk.held()
  vim.api.nvim_create_autocmd('CmdwinEnter', { once = true, callback = vim.schedule_wrap(function()
    desk.go()
    desk.float_with('answer in sight')
    desk.idle()
    vim.cmd.quit()
  end) })
  vim.api.nvim_feedkeys('q:', 'x!', false)
  vim.cmd('Aiex close')

  -- From another tab the way leads to the answer; a terminal shows no file.
  explain()
  vim.cmd.tabnew()
  vim.cmd('Aiex focus')
  seen.tab = { vim.fn.tabpagenr(), vim.api.nvim_get_current_win() == desk.float() }
  vim.cmd('Aiex close')
  vim.cmd.tabonly()
  vim.cmd('terminal true')
  desk.listen()
  vim.cmd('Aiex explain')
  seen.terminal = desk.said('shows no file')

  -- A buffer without a name.
  vim.cmd.enew()
  vim.bo.filetype = 'python'
  vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'def total(prices):', '    return sum(prices)' })
  desk.attached()
  explain()
  vim.cmd('Aiex close')
  vim.cmd.buffer(source)

  -- The server is started by another program, and ends.
  client:stop(true)
  desk.wait('no status', function() return require('aiex').statusline() == '' end)
  seen.calls = calls
  vim.lsp.config('aiex', {
    cmd = { 'env', 'aiex-lsp', 'serve' },
    cmd_env = { AIEX_CONFIG = vim.fn.tempname() .. '.toml' },
  })
  vim.fn.writefile({ 'defalt = [' }, vim.lsp.config.aiex.cmd_env.AIEX_CONFIG)
  for _, other in ipairs(vim.lsp.get_clients({ name = 'aiex' })) do
    other:stop(true)
  end
  desk.wait('no server', function() return #vim.lsp.get_clients({ name = 'aiex' }) == 0 end)
  seen.broken = health()
  seen.errors = vim.v.errmsg

  -- The last window is left while an answer is shown: so is Neovim.
  vim.cmd('silent! only!')
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    vim.bo[buffer].modified = false
  end
  require('aiex.answers').report('Over', 'the code')
  vim.cmd.wincmd('p')
  vim.api.nvim_create_autocmd('VimLeavePre', { callback = function()
    seen.left = true
    desk.done()
  end })
  vim.cmd.quit()
  desk.wait('the end', function() return seen.left end)
end)

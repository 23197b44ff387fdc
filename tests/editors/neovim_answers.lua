-- Answers: streamed, kept, asked about, cancelled.
local desk = dofile(vim.env.AIEX_HELPERS .. '/neovim_desk.lua')
local seen = desk.seen

local function loaded()
  local names = vim.tbl_filter(function(name) return name:find('^aiex') end,
    vim.tbl_keys(package.loaded))
  table.sort(names)
  return names
end

desk.run(function()
  vim.bo.filetype = 'text'
  seen.loaded_before = loaded()
  seen.clients_before = #vim.lsp.get_clients()
  seen.statusline_before = require('aiex').statusline()
  local client = desk.open()
  local home = vim.api.nvim_get_current_win()
  seen.root, seen.encoding = client.root_dir, client.offset_encoding

  -- It grows while the model writes, and the cursor stays where it is.
  desk.next('Adds up the prices.', desk.HOLD, '\n\nNothing is rounded.')
  vim.cmd('Aiex explain')
  desk.held()
  local window = desk.float_with('Adds up')
  seen.part = select(3, desk.float())
  seen.footer_running = desk.footer(window)
  seen.height_part = vim.api.nvim_win_get_height(window)
  seen.title = desk.wait('title', function()
    return desk.title(window):find('total', 1, true) and desk.title(window)
  end)
  desk.go()
  window = desk.float_with('Nothing is rounded.')
  desk.idle()
  seen.footer_done = desk.footer(window)
  seen.whole = select(3, desk.float())
  seen.height_whole = vim.api.nvim_win_get_height(window)
  seen.focus_kept = vim.api.nvim_get_current_win() == home
  local row = vim.api.nvim_win_get_config(window).row
  seen.covers_cursor_line = row < vim.fn.winline() and row + seen.height_whole + 2 > vim.fn.winline()
    and vim.api.nvim_win_get_config(window).anchor == 'NW'

  -- A question about it, with the key in the float.
  vim.cmd('Aiex focus')
  seen.focused = vim.api.nvim_get_current_win() == window
  desk.answer_with(nil, 'Why is that?')
  desk.next('Because nobody asked for it.')
  vim.cmd.normal('f')
  desk.float_with('Because nobody')
  desk.idle()
  seen.follow_up = select(3, desk.float())
  seen.follow_up_prompt = desk.asked[1]

  -- Kept as a split, with the key in the float.
  vim.cmd.normal('s')
  seen.float_gone = desk.float() == nil
  seen.split_text = desk.text(0)
  seen.split_relative = vim.api.nvim_win_get_config(0).relative
  seen.split_bar = vim.api.nvim_eval_statusline(vim.wo.winbar, { use_winbar = true }).str
  vim.cmd.normal('q')
  seen.windows_after_q = #vim.api.nvim_list_wins()

  -- An earlier answer is there again.
  desk.answer_with('total')
  vim.cmd('Aiex answers')
  desk.float_with('Nothing is rounded.')
  seen.reopened = true
  vim.cmd.normal('q')
  vim.api.nvim_set_current_win(home)

  -- A stream that fails begins anew elsewhere.
  desk.next('Half a thought', desk.HOLD, desk.CUT)
  vim.cmd('Aiex explain brief')
  desk.held()
  desk.float_with('Half a thought')
  desk.next('A whole thought.')
  desk.go()
  window = desk.float_with('A whole thought.')
  seen.restarted = select(3, desk.float())
  desk.idle()
  seen.restart_footer = desk.footer(window)
  vim.cmd('Aiex close')

  -- A narrow screen, and a selection by a <Plug> mapping.
  vim.o.columns = 30
  vim.keymap.set({ 'n', 'x' }, '<F5>', '<Plug>(aiex-explain)')
  desk.next('A line that is longer than such a narrow screen has room for.')
  desk.to_symbol()
  vim.api.nvim_feedkeys(vim.keycode('v$<F5>'), 'x', false)
  window = desk.float_with('room for.')
  desk.idle()
  seen.narrow = vim.api.nvim_win_get_width(window) + 2
  seen.narrow_footer = desk.footer(window)
  seen.narrow_height = vim.api.nvim_win_get_height(window)
  seen.mode_after = vim.fn.mode()
  vim.cmd('Aiex close')
  vim.o.columns = 100

  -- The same from the list of code actions.
  desk.to_symbol()
  desk.next('From the list.', desk.HOLD, ' All of it.')
  seen.actions = desk.code_action('Explain')
  desk.held()
  desk.float_with('From the list.')
  desk.go()
  window = desk.float_with('All of it.')
  seen.action_title = desk.title(window)
  vim.cmd('Aiex close')

  -- Cancelled from the source, and by closing the float.
  desk.next('Too slow', desk.HOLD)
  vim.cmd('Aiex explain detailed')
  desk.held()
  desk.float_with('Too slow')
  vim.cmd('Aiex cancel')
  seen.cancel_left = desk.left()
  desk.float_with('Cancelled.')
  seen.cancelled = select(3, desk.float())
  vim.cmd('Aiex close')
  desk.next('Slower', desk.HOLD)
  vim.cmd('Aiex analyze security')
  desk.held()
  vim.cmd('Aiex focus')
  vim.cmd.normal(vim.keycode('<C-c>'))
  seen.key_left = desk.left()
  desk.float_with('Cancelled.')
  vim.cmd.normal('q')

  vim.api.nvim_set_current_win(home)
  desk.to_symbol()
  desk.next('Slowest', desk.HOLD)
  vim.cmd('Aiex explain detailed')
  desk.held()
  desk.float_with('Slowest')
  vim.cmd.bwipeout({ (select(2, desk.float())), bang = true })
  seen.wiped_left = desk.left()
  seen.wiped_jobs = #require('aiex.jobs').running()

  -- Findings of an analysis are diagnostics.
  vim.api.nvim_set_current_win(home)
  desk.to_symbol()
  vim.cmd('Aiex analyze')
  desk.wait('findings', function() return #vim.diagnostic.get(0) > 0 end)
  seen.findings = vim.tbl_map(function(d)
    return { d.lnum, d.message, d.source }
  end, vim.diagnostic.get(0))
  vim.cmd('Aiex clear')
  desk.wait('no findings', function() return #vim.diagnostic.get(0) == 0 end)
  desk.done()
end)

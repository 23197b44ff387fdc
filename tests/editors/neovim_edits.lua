-- Edits: where they land, how they are taken back, and when they are refused.
local desk = dofile(vim.env.AIEX_HELPERS .. '/neovim_desk.lua')
local seen = desk.seen

local function code(lines)
  return '```python\n' .. table.concat(lines, '\n') .. '\n```\n'
end

local changed = {
  'def total(prices, discount=0):',
  '    """Return the sum of prices less a discount."""',
  '    return -discount + sum(prices)  # 😀 total',
}

local function buffer_named(name)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_get_name(buffer):find(name, 1, true) then return buffer end
  end
end

desk.run(function()
  local client, source = desk.open()
  local home = vim.api.nvim_get_current_win()
  local before = desk.text(source)
  local function has(text)
    return function() return desk.text(source):find(text, 1, true) end
  end
  local function back()
    vim.api.nvim_set_current_win(home)
    desk.to_symbol()
  end

  -- Tests go into their own file, which is shown and not saved.
  vim.cmd('Aiex tests')
  local tests = desk.wait('tests', function()
    local buffer = buffer_named('test_prices')
    return buffer and desk.text(buffer):find('test_total_takes', 1, true) and buffer
  end)
  desk.wait('tests shown', function() return vim.fn.bufwinid(tests) ~= -1 end)
  seen.tests_name, seen.tests = vim.api.nvim_buf_get_name(tests), desk.text(tests)
  seen.tests_modified = vim.bo[tests].modified
  seen.source_untouched = desk.text(source) == before
  seen.tests_focus_kept = vim.api.nvim_get_current_win() == home
  back()

  -- What another server reports is fixed, from the list and by name; one undo takes it back.
  local other = vim.api.nvim_create_namespace('other')
  vim.diagnostic.set(other, source, {
    { lnum = 5, col = 11, end_col = 17, message = 'Discount goes first', source = 'ruff', code = 'R1',
      severity = vim.diagnostic.severity.WARN },
    { lnum = 3, col = 4, end_col = 9, message = 'Too short a name', source = 'ruff',
      severity = vim.diagnostic.severity.INFO },
  })
  vim.api.nvim_win_set_cursor(0, { 6, 12 })
  desk.next(code(changed))
  seen.fix_actions = desk.code_action('Fix: Discount')
  desk.wait('fix', has('-discount + sum'))
  seen.fixed = desk.text(source)
  vim.cmd('silent undo')
  seen.fix_undone = desk.text(source) == before
  desk.answer_with(nil)
  vim.api.nvim_win_set_cursor(0, { 6, 12 })
  desk.next(code(changed))
  vim.cmd('Aiex fix')
  desk.wait('fix by name', has('-discount + sum'))
  vim.cmd('silent undo')
  desk.answer_with('Too short')
  desk.next(code(changed))
  vim.cmd('4,6Aiex fix')
  seen.fix_choice = desk.offered
  desk.wait('fix picked', has('-discount + sum'))
  vim.cmd('silent undo')
  seen.undone = desk.text(source) == before
  vim.diagnostic.reset(other)
  desk.answer_with(nil)
  vim.cmd('Aiex fix')
  seen.nothing_to_fix = desk.said('no diagnostic here')

  -- Refactored by an instruction that is asked for; somebody who types keeps an undo of their own.
  back()
  vim.api.nvim_buf_set_lines(source, 1, 1, false, { '# typed before' })
  local typed = desk.text(source)
  desk.to_symbol()
  desk.answer_with(nil, 'Put the discount first')
  desk.next(code(changed))
  desk.listen()
  vim.cmd('Aiex refactor')
  seen.instruction_prompt = desk.asked[1]
  desk.wait('refactored', has('-discount + sum'))
  seen.said_refactored = desk.said('u takes it back')
  seen.cursor_kept = vim.api.nvim_win_get_cursor(0)[1] == vim.fn.search('^def total', 'cnw')
  vim.cmd('silent undo')
  seen.refactor_undone = desk.text(source) == typed
  vim.cmd('silent undo')
  seen.typing_undone = desk.text(source) == before
  desk.answer_with(nil, nil)
  vim.cmd('Aiex refactor')
  seen.dropped_jobs = #require('aiex.jobs').running()

  -- Changed inside the range while the model worked: refused, nothing is lost, asked to run again.
  desk.answer_with(nil)
  desk.to_symbol()
  desk.next(code(changed), desk.HOLD, 'Done.')
  vim.cmd('Aiex refactor Put it first')
  desk.held()
  desk.listen()
  vim.api.nvim_buf_set_lines(source, 5, 6, false, { '    return sum(prices) - max(discount, 0)' })
  local own = desk.text(source)
  desk.go()
  seen.stale = desk.said('same place')
  desk.wait('question', function() return desk.picked end)
  seen.stale_offer = desk.offered
  seen.stale_kept = desk.text(source) == own
  seen.stale_shown = desk.text((select(2, desk.float())))
  vim.cmd('Aiex close')

  -- The same once more, and the user has it run again.
  desk.answer_with('Run again')
  desk.to_symbol()
  desk.next(code(changed), desk.HOLD, 'Done.')
  vim.cmd('Aiex refactor Put it first')
  desk.held()
  vim.api.nvim_buf_set_lines(source, 5, 6, false, { '    return sum(prices) - abs(discount)' })
  desk.next(code(changed))
  desk.go()
  desk.wait('run again', has('-discount + sum'))
  seen.run_again = desk.text(source)
  vim.cmd('silent undo')
  seen.run_again_undone = desk.text(source)
  vim.cmd('Aiex close')
  desk.answer_with(nil)
  vim.cmd('silent undo | silent undo')

  -- Changed elsewhere: it lands where its text is now.
  desk.to_symbol()
  desk.next(code(changed), desk.HOLD, 'Done.')
  vim.cmd('Aiex refactor Put it first')
  desk.held()
  vim.api.nvim_buf_set_lines(source, 1, 1, false, { '# new', '# lines' })
  desk.go()
  desk.wait('moved', has('-discount + sum'))
  seen.moved = desk.text(source)
  vim.cmd('silent undo | silent undo')
  seen.moved_undone = desk.text(source) == before

  -- Changed in the very moment the edit arrives, in a file just opened: refused, sent again.
  vim.fn.writefile(vim.fn.readfile(vim.env.AIEX_SOURCE), vim.fs.dirname(vim.env.AIEX_SOURCE) .. '/other.py')
  vim.cmd.edit(vim.fs.dirname(vim.env.AIEX_SOURCE) .. '/other.py')
  desk.attached()
  desk.to_symbol()
  local answers, fresh = {}, vim.api.nvim_get_current_buf()
  seen.race_version = vim.lsp.util.buf_versions[fresh]
  local apply = client.handlers['workspace/applyEdit']
  client.handlers['workspace/applyEdit'] = function(...)
    if #answers == 0 then
      vim.api.nvim_buf_set_lines(fresh, 1, 1, false, { '# at the last moment' })
    end
    local answer = apply(...)
    answers[#answers + 1] = answer
    return answer
  end
  desk.next(code(changed))
  vim.cmd('Aiex refactor Put it first')
  desk.wait('sent again', function() return desk.text(fresh):find('-discount + sum', 1, true) end)
  client.handlers['workspace/applyEdit'] = apply
  seen.race, seen.race_answers = desk.text(fresh), answers
  vim.cmd('silent undo')
  seen.race_undone = desk.text(fresh)
  vim.cmd.buffer(source)
  vim.cmd.bwipeout({ fresh, bang = true })
  back()

  -- Of several files all are changed or none, also where one fails in the middle.
  local function two_files(second)
    local first = { range = { start = { line = 0, character = 0 }, ['end'] = { line = 0, character = 0 } } }
    return client.handlers['workspace/applyEdit'](nil, { edit = { documentChanges = {
      { textDocument = { uri = vim.uri_from_bufnr(source) },
        edits = { vim.tbl_extend('force', first, { newText = '# first\n' }) } },
      { textDocument = { uri = vim.uri_from_bufnr(tests) },
        edits = { vim.tbl_extend('force', first, { newText = second }) } },
    } } }, { client_id = client.id })
  end
  local tests_before = desk.text(tests)
  local broken = two_files(nil)
  seen.broken = { broken.applied, desk.text(source) == before, desk.text(tests) == tests_before }
  local whole = two_files('# second\n')
  seen.whole = { whole.applied, desk.text(source):find('# first', 1, true) == 1,
    desk.text(tests):find('# second', 1, true) == 1 }
  vim.cmd('silent undo')
  seen.whole_undone = desk.text(source) == before

  -- A buffer that cannot be changed.
  desk.to_symbol()
  desk.next(code(changed), desk.HOLD, 'Done.')
  vim.cmd('Aiex refactor Put it first')
  desk.held()
  vim.bo[source].modifiable = false
  desk.listen()
  desk.go()
  seen.locked_said = desk.said('not modifiable')
  desk.wait('refusal shown', function() return desk.float() end)
  seen.locked_kept = desk.text(source) == before
  seen.locked_shown = select(3, desk.float())
  vim.bo[source].modifiable = true
  vim.cmd('Aiex close')

  -- The user's own template: an action, and by name with a variable that is asked for.
  back()
  desk.next('**TOTAL!**')
  desk.typed = 'loud'
  seen.own_actions = desk.code_action('Shout')
  desk.float_with('TOTAL!')
  seen.own_prompt = desk.asked
  vim.cmd('Aiex close')
  desk.next(code(changed))
  vim.cmd('Aiex run round tone=calm')
  desk.wait('own edit', has('-discount + sum'))
  vim.cmd('silent undo')
  seen.own_undone = desk.text(source) == before
  desk.to_symbol()
  desk.next(code({ changed[1], '    """Return the sum."""', '    return sum(prices) - discount  # 😀 total' }))
  vim.cmd('Aiex document')
  desk.wait('documented', has('Return the sum."""'))
  seen.documented = desk.text(source)
  vim.cmd('silent undo')
  seen.documented_undone = desk.text(source) == before
  vim.cmd('Aiex run shoot')
  seen.no_template = desk.said('there is no template')
  desk.done()
end)

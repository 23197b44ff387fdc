-- Somebody types on, in Insert mode, while an edit or a question comes.
local desk = dofile(vim.env.AIEX_HELPERS .. '/neovim_desk.lua')
local seen = desk.seen

local code = table.concat({
  '```python',
  'def total(prices, discount=0):',
  '    """Return the sum of prices less a discount."""',
  '    return -discount + sum(prices)  # 😀 total',
  '```\n',
}, '\n')

-- Between two looks the editor reads keys, which a blocking wait would keep from it.
local function until_seen(what, condition)
  local limit = vim.uv.hrtime() + 8e9
  while not condition() do
    if vim.uv.hrtime() > limit then
      seen.stuck = what
      seen.text = desk.text()
      desk.done()
    end
    coroutine.yield()
  end
end

local function keys(typed)
  vim.api.nvim_feedkeys(vim.keycode(typed), 'n', false)
end

local function mode(wanted)
  until_seen('mode ' .. wanted, function() return vim.fn.mode() == wanted end)
end

local function has(text)
  return function() return desk.text():find(text, 1, true) ~= nil end
end

local function script()
  local before = desk.text()

  -- An edit lands elsewhere: typing goes on, and each has an undo of its own.
  desk.next(code, desk.HOLD, 'Done.')
  vim.cmd('Aiex refactor Put it first')
  desk.held()
  keys('ggA plus')
  until_seen('typed', has(' plus'))
  seen.typing_mode = vim.fn.mode()
  desk.go()
  until_seen('edited', has('-discount + sum'))
  seen.mode_kept = vim.fn.mode()
  keys(' more')
  until_seen('typed on', has(' plus more'))
  keys('<Esc>')
  mode('n')
  seen.both = desk.text()
  seen.undos = {}
  for count = 1, 3 do
    vim.cmd('silent undo')
    seen.undos[count] = {
      more = has(' more')(), edit = has('-discount + sum')(), plus = has(' plus')(),
    }
  end
  seen.all_undone = desk.text() == before

  -- An edit is refused: it is said at once, and asked when the typing has ended.
  desk.answer_with(nil)
  desk.to_symbol()
  desk.next(code, desk.HOLD, 'Done.')
  vim.cmd('Aiex refactor Put it first')
  desk.held()
  keys('6GA, own')
  until_seen('own text', has(', own'))
  desk.listen()
  desk.go()
  until_seen('refusal', function()
    return vim.iter(desk.notified):any(function(one) return one:find('same place', 1, true) end)
  end)
  seen.asked_while_typing = desk.picked
  seen.mode_at_refusal = vim.fn.mode()
  keys('<Esc>')
  until_seen('question', function() return desk.picked end)
  seen.own_kept = desk.text() == before .. ', own'
  desk.done()
end

desk.run(function()
  desk.open()
  local running = coroutine.create(script)
  local timer = assert(vim.uv.new_timer())
  timer:start(0, 20, vim.schedule_wrap(function()
    if coroutine.status(running) ~= 'suspended' then return end
    local ok, why = coroutine.resume(running)
    if not ok and not seen.stuck then
      seen.stuck = debug.traceback(running, why)
      desk.done()
    end
  end))
end)

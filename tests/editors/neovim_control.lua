-- Providers, reports, health, completion: what is around the answers.
local desk = dofile(vim.env.AIEX_HELPERS .. '/neovim_desk.lua')
local seen = desk.seen

local function completed(line)
  return vim.fn.getcompletion(line, 'cmdline')
end

local function report(command, text)
  vim.cmd(command)
  local window = desk.float_with(text)
  local shown = select(3, desk.float())
  local focused = vim.api.nvim_get_current_win() == window
  vim.cmd.normal('q')
  return { text = shown, focused = focused, closed = desk.float() == nil }
end

desk.run(function()
  local aiex = require('aiex')
  local told = {}
  vim.api.nvim_create_autocmd('User', {
    pattern = 'AiexStatus',
    callback = function(event) told[#told + 1] = event.data and event.data.summary.severity end,
  })
  -- Who does not wait for the server is answered when it is there.
  vim.cmd.edit(vim.env.AIEX_SOURCE)
  desk.to_symbol()
  seen.clients_early = #vim.lsp.get_clients({ name = 'aiex' })
  vim.cmd('Aiex explain')
  desk.float_with('Nothing is rounded')
  desk.idle()
  vim.cmd('Aiex close')
  local _, source = desk.open()

  -- The status is told, and the statusline shows it.
  desk.wait('a status', function() return aiex.statusline():find('desk', 1, true) end)
  vim.cmd('Aiex provider check')
  desk.said('desk: healthy')
  desk.wait('healthy', function() return aiex.status().summary.severity == 'ok' end)
  seen.statusline = aiex.statusline()
  seen.statusline_color = aiex.statusline({ color = true })
  vim.o.statusline = '%{%v:lua.require("aiex").statusline({ "color": v:true })%}'
  seen.rendered = vim.api.nvim_eval_statusline(
    '%{%v:lua.require("aiex").statusline()%}', {}).str

  -- While a model works it is busy.
  desk.next('Slow', desk.HOLD, ' answer')
  vim.cmd('Aiex explain')
  desk.held()
  desk.wait('busy', function() return aiex.status().summary.severity == 'busy' end)
  seen.busy = aiex.statusline()
  desk.go()
  desk.float_with('Slow answer')
  vim.cmd('Aiex close')

  -- What may be typed.
  seen.complete = {
    commands = completed('Aiex '),
    range = completed("'<,'>Aiex ex"),
    levels = completed('Aiex explain '),
    types = completed('Aiex analyze s'),
    providers = completed('Aiex provider s'),
    strategies = completed('Aiex provider strategy '),
    models = completed('Aiex provider model gpt-'),
    templates = completed('Aiex run re'),
    variables = completed('Aiex run refactor ins'),
    prompts = completed('Aiex prompt t'),
  }

  -- Providers are picked from a list or by name, with model and strategy.
  desk.answer_with('spare')
  vim.cmd('Aiex provider')
  desk.said('provider spare')
  seen.provider_list, seen.provider_prompt = desk.offered, desk.prompt
  vim.cmd('Aiex explain brief')
  local window = desk.float_with('Nothing is rounded')
  desk.idle()
  seen.picked_footer = desk.footer(window)
  vim.cmd('Aiex close')
  desk.answer_with('gpt-other (spare)')
  vim.cmd('Aiex provider model')
  desk.said('model gpt-other')
  vim.cmd('Aiex explain brief')
  window = desk.float_with('Nothing is rounded')
  desk.idle()
  seen.model_footer = desk.footer(window)
  vim.cmd('Aiex close')
  vim.cmd('Aiex provider strategy local_affinity')
  desk.said('strategy local_affinity')
  desk.listen()
  vim.cmd('Aiex provider default')
  desk.said('aiex: ')
  vim.cmd('Aiex provider reset desk')
  desk.said('desk is asked again')

  -- Reports.
  desk.to_symbol()
  seen.prompt = report('Aiex prompt explain', 'tokens')
  seen.usage = report('Aiex usage 1', 'requests in 1 days')
  seen.doctor = report('Aiex doctor', 'desk')
  seen.status = report('Aiex status', 'circuit')

  -- Paused and resumed.
  vim.cmd('Aiex pause')
  desk.said('paused')
  vim.cmd('Aiex resume')
  desk.said('at work')

  -- The words a user gets wrong, and the menu.
  vim.cmd('Aiex explian')
  seen.wrong_word = desk.said('explian')
  desk.answer_with('usage')
  vim.cmd('Aiex')
  desk.float_with('requests in 7 days')
  seen.menu = desk.offered
  vim.cmd.normal('q')

  -- Health, with the server running.
  vim.cmd('checkhealth aiex')
  seen.health = desk.text(0)
  vim.cmd('bwipeout')
  seen.health_home = vim.api.nvim_get_current_buf() == source

  -- The help and the mappings.
  vim.cmd('helptags ' .. vim.env.AIEX_DOC)
  seen.help = {}
  for _, tag in ipairs({ 'aiex', 'aiex-install', 'aiex-commands', ':Aiex', 'aiex-options',
    'aiex-statusline', 'AiexStatus', '<Plug>(aiex-explain)', 'aiex-highlights' }) do
    local ok = pcall(vim.cmd.help, tag)
    seen.help[#seen.help + 1] = { tag, ok and vim.bo.filetype == 'help' }
    if ok then vim.cmd('close') end
  end
  local forced = vim.tbl_filter(function(map)
    return not map.lhs:find('^<Plug>') and (map.desc or ''):find('^aiex')
  end, vim.list_extend(vim.api.nvim_get_keymap('n'), vim.api.nvim_get_keymap('x')))
  seen.forced = #forced
  seen.plugs = #vim.tbl_filter(function(map) return map.lhs:find('^<Plug>%(aiex') end,
    vim.api.nvim_get_keymap('n'))
  seen.group = vim.api.nvim_get_hl(0, { name = 'AiexStatusError' }).link

  -- The provider dies: the status turns, and a task says so.
  desk.put('dead')
  told = {}
  vim.cmd('Aiex provider check')
  desk.wait('error', function() return aiex.status().summary.severity == 'error' end)
  seen.dead = aiex.statusline({ color = true })
  seen.dead_told = told
  desk.wait('redrawn', function() return #told > 0 end)
  vim.cmd('Aiex explain detailed')
  window = desk.float_with('**')
  desk.idle()
  seen.dead_answer, seen.dead_footer = select(3, desk.float()), desk.footer(window)
  vim.cmd('Aiex close')

  -- The server ends: its jobs end with it.
  desk.take('dead')
  for _, name in ipairs({ 'desk', 'spare' }) do
    desk.listen()
    vim.cmd('Aiex provider reset ' .. name)
    desk.said(name .. ' is asked again')
  end
  vim.cmd('Aiex provider check')
  desk.wait('alive', function() return aiex.status().summary.severity == 'ok' end)
  desk.next('Never', desk.HOLD)
  vim.cmd('Aiex explain detailed')
  desk.held()
  vim.lsp.get_clients({ name = 'aiex' })[1]:stop(true)
  desk.float_with('The server has ended')
  seen.statusline_gone = aiex.statusline()
  vim.cmd('Aiex explain')
  seen.not_attached = desk.said('not attached')
  desk.done()
end)

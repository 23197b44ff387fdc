-- Defines the command and the <Plug> mappings; nothing is required before one of them is used.
if vim.g.loaded_aiex then
  return
end
vim.g.loaded_aiex = true

vim.api.nvim_create_user_command('Aiex', function(call)
  require('aiex.command').run(call)
end, {
  nargs = '*',
  range = true,
  desc = 'aiex: explain, test, analyze, fix, document, refactor',
  complete = function(...)
    return require('aiex.command').complete(...)
  end,
})

local tasks = { 'explain', 'analyze', 'tests', 'fix', 'document', 'refactor', 'run', 'prompt' }
local others = {
  'menu', 'followup', 'answers', 'focus', 'keep', 'close', 'cancel',
  'status', 'provider', 'usage', 'doctor', 'clear', 'pause', 'resume',
}

for _, name in ipairs(tasks) do
  vim.keymap.set({ 'n', 'x' }, ('<Plug>(aiex-%s)'):format(name), function()
    require('aiex.command').mapped(name)
  end, { desc = 'aiex: ' .. name })
end
for _, name in ipairs(others) do
  vim.keymap.set('n', ('<Plug>(aiex-%s)'):format(name), function()
    require('aiex.command').mapped(name)
  end, { desc = 'aiex: ' .. name })
end

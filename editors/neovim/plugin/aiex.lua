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

local group = vim.api.nvim_create_augroup('aiex', {})

-- Runs a function of the server's module where a client of aiex's comes or goes.
local function watch(event, name)
  vim.api.nvim_create_autocmd(event, {
    group = group,
    desc = 'aiex: begin and end with the server, whatever callbacks vim.lsp.config has',
    callback = function(call)
      local client = vim.lsp.get_client_by_id(call.data.client_id)
      if client and client.name == 'aiex' then
        require('aiex.server')[name](client)
      end
    end,
  })
end

if vim.fn.has('nvim-0.11') == 1 then
  watch('LspAttach', 'on_init')
  watch('LspDetach', 'on_detach')
  vim.api.nvim_create_autocmd('SessionLoadPost', {
    group = group,
    desc = 'aiex: remove the empty windows of answers that a session had',
    callback = function()
      for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
        if vim.api.nvim_buf_get_name(buffer):find('^aiex://') then
          return require('aiex.buffer').forget_restored()
        end
      end
    end,
  })
end

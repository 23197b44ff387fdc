-- What `vim.lsp.enable('aiex')` starts; `vim.lsp.config('aiex', {...})` still wins over it. Neovim
-- reads this for buffers of any kind, so nothing is required here before it is called.
local options = require('aiex.config').get()

local function later(module, name)
  return function(...)
    return require(module)[name](...)
  end
end

-- The server's commands, as code actions carry them: through the request they stream.
local commands = {}
for _, task in ipairs({
  'explain', 'analyze', 'generateTests', 'fix', 'document', 'refactor', 'run', 'followUp',
}) do
  commands['aiex/' .. task] = function(command, context)
    require('aiex.tasks').from_action(task, command, context)
  end
end

local settings = next(options.settings) and options.settings or vim.empty_dict()

---@type vim.lsp.Config
return {
  cmd = options.cmd,
  filetypes = options.filetypes,
  root_markers = options.root_markers,
  init_options = {
    aiex = { showMarkdown = true, providerHealth = true },
    settings = settings,
  },
  settings = { aiex = settings },
  commands = commands,
  before_init = later('aiex.columns', 'before_init'),
  on_init = later('aiex.server', 'on_init'),
  on_exit = later('aiex.server', 'on_exit'),
  handlers = {
    ['aiex/showMarkdown'] = later('aiex.answers', 'on_show_markdown'),
    ['aiex/providerHealth'] = later('aiex.status', 'on_report'),
    ['$/progress'] = later('aiex.jobs', 'on_progress'),
    ['workspace/applyEdit'] = later('aiex.edits', 'on_apply_edit'),
    ['window/showMessage'] = later('aiex.messages', 'on_message'),
    ['window/showMessageRequest'] = later('aiex.messages', 'on_question'),
  },
}

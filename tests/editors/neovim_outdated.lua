-- Neovim without the plugin, with a keystroke in the very moment an edit arrives: first with the
-- page's handler in a file just opened, then with Neovim's own handler later on.
local desk = dofile(vim.env.AIEX_HELPERS .. '/neovim_desk.lua')
local seen = desk.seen

desk.run(function()
  local client, source = desk.open()

  local function overtaken(apply)
    local answers, after_first = {}, nil
    client.handlers['workspace/applyEdit'] = function(...)
      local number = #answers + 1
      if number == 1 then
        vim.api.nvim_buf_set_lines(source, 1, 1, false, { '# at the last moment' })
        vim.bo[source].undolevels = vim.bo[source].undolevels -- a keystroke ends an undo step
      end
      answers[number] = apply(...)
      after_first = after_first or desk.text(source)
      return answers[number]
    end
    desk.to_symbol()
    desk.code_action('Refactor')
    desk.wait('sent again', function()
      return #answers > 1 and desk.text(source):find('-discount + sum', 1, true)
    end)
    local text = desk.text(source)
    vim.cmd('silent undo')
    return { answers = answers, after_first = after_first, text = text, undone = desk.text(source) }
  end

  seen.page = overtaken(client.handlers['workspace/applyEdit'])
  vim.cmd('silent undo')
  desk.wait('the undone text at the server', function()
    return vim.lsp.util.buf_versions[source] > 2
  end)
  seen.neovim = overtaken(vim.lsp.handlers['workspace/applyEdit'])
  seen.messages_shown = vim.fn.execute('messages')
  desk.done()
end)

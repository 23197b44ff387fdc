--- Edits of the server: all of one or nothing, never on other text, one undo step each.
local M = {}

local function name_of(buffer)
  return vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buffer), ':t')
end

-- The buffers an edit changes, with the version it was made for.
local function targets(edit)
  local found = {}
  for _, change in ipairs(edit.documentChanges or {}) do
    if change.textDocument then
      found[#found + 1] = { change.textDocument.uri, change.textDocument.version, #change.edits }
    end
  end
  for uri, edits in pairs(not edit.documentChanges and edit.changes or {}) do
    found[#found + 1] = { uri, nil, #edits }
  end
  return vim.tbl_map(function(one)
    return { buffer = vim.uri_to_bufnr(one[1]), version = one[2], count = one[3] }
  end, found)
end

-- Why the edit cannot be made as a whole, nil where it can.
local function obstacle(changed)
  for _, one in ipairs(changed) do
    local loaded = vim.api.nvim_buf_is_loaded(one.buffer)
    if loaded and not vim.bo[one.buffer].modifiable then
      return name_of(one.buffer) .. " is not modifiable (:set modifiable lets it be changed)"
    elseif loaded and one.version and vim.lsp.util.buf_versions[one.buffer] > one.version then
      return name_of(one.buffer) .. ' was changed while the model worked'
    end
  end
end

-- Ends the undo step that is open, such as that of somebody typing.
local function break_undo(buffer)
  if vim.api.nvim_buf_is_loaded(buffer) then
    vim.bo[buffer].undolevels = vim.bo[buffer].undolevels
  end
end

-- Tells the server of the change before it reads that the edit was made. Neovim would wait a
-- moment, and who takes an edit back in that moment would seem not to have got it.
local function report_change(client, buffer)
  pcall(function() require('vim.lsp._changetracking').flush(client, buffer) end)
end

local function undo_to(buffer, sequence)
  vim.api.nvim_buf_call(buffer, function()
    vim.cmd(('silent undo %d'):format(sequence))
  end)
end

local function tell(changed, label)
  if not require('aiex.config').get().notify then
    return
  end
  local names, parts = {}, {}
  for _, one in ipairs(changed) do
    local undo = one.buffer == vim.api.nvim_get_current_buf() and ' (u takes it back)'
      or ' (not saved)'
    names[#names + 1] = name_of(one.buffer)
    parts[#parts + 1] = name_of(one.buffer) .. undo
  end
  -- What does not fit on the last line would have to be answered with <Enter>.
  local text = ('aiex: %s: changed %s'):format(label or 'edit', table.concat(parts, ', '))
  if vim.api.nvim_strwidth(text) > vim.v.echospace then
    text = ('aiex: changed %s'):format(table.concat(names, ', '))
  end
  vim.notify(text)
end

--- Handles `workspace/applyEdit`: makes the edit, or returns why nothing was changed.
---
--- Neovim by itself answers "applied" to an edit for an outdated version and drops it, or where
--- that version is the one a file was opened with makes it on whatever lines are there by now.
---@param params lsp.ApplyWorkspaceEditParams
---@return lsp.ApplyWorkspaceEditResult
function M.on_apply_edit(_, params, context)
  local client = vim.lsp.get_client_by_id(context.client_id)
  if not client then
    return { applied = false, failureReason = 'the server is stopping' }
  end
  local changed = targets(params.edit)
  local why = obstacle(changed)
  if why then
    return { applied = false, failureReason = why }
  end
  local before = {}
  for _, one in ipairs(changed) do
    break_undo(one.buffer)
    if vim.api.nvim_buf_is_loaded(one.buffer) then
      before[one.buffer] = vim.fn.undotree(one.buffer).seq_cur
    end
  end
  local done, failure = pcall(vim.lsp.util.apply_workspace_edit, params.edit, client.offset_encoding)
  if not done then
    for _, one in ipairs(changed) do
      pcall(undo_to, one.buffer, before[one.buffer] or 0)
    end
    return { applied = false, failureReason = tostring(failure) }
  end
  for _, one in ipairs(changed) do
    break_undo(one.buffer)
    report_change(client, one.buffer)
  end
  tell(changed, params.label)
  return { applied = true }
end

return M

--- The options of `setup`: their types, their defaults, and what is said about a wrong one.
local M = {}

---@class aiex.Keys keys inside an answer's window
---@field close? string closes it; a running answer is cancelled
---@field split? string keeps it as a split
---@field cancel? string stops the model
---@field follow_up? string asks a question about the answer

---@class aiex.AnswerOptions
---@field layout? 'float'|'split' where answers are shown first
---@field split? 'below'|'above'|'right'|'left' where a kept answer goes
---@field width? integer columns of the float at most
---@field height? number lines of the float at most; below 1 the part of the screen
---@field border? string|(string|string[])[] as in nvim_open_win(); 'auto': 'winborder', else rounded
---@field keys? aiex.Keys

---@class aiex.Options
---@field enabled? boolean false: start by hand with vim.lsp.enable('aiex')
---@field cmd? string[] the server and its arguments
---@field filetypes? string[] the buffers it is for
---@field root_markers? string[] what a project's folder holds
---@field settings? table what config.toml may hold
---@field answer? aiex.AnswerOptions
---@field notify? boolean tell of edits that were made

---@class aiex.Answers : aiex.AnswerOptions the same with nothing left out
---@field layout 'float'|'split'
---@field split 'below'|'above'|'right'|'left'
---@field width integer
---@field height number
---@field border string|(string|string[])[]
---@field keys { close: string, split: string, cancel: string, follow_up: string }

---@class aiex.Config : aiex.Options the same with nothing left out
---@field enabled boolean
---@field cmd string[]
---@field filetypes string[]
---@field root_markers string[]
---@field settings table
---@field answer aiex.Answers
---@field notify boolean

---@type aiex.Config
M.defaults = {
  enabled = true,
  cmd = { 'aiex-lsp', 'serve' },
  filetypes = {
    'python', 'javascript', 'javascriptreact', 'typescript', 'typescriptreact', 'go', 'rust',
    'java', 'c', 'cpp', 'cs', 'ruby', 'php', 'elixir', 'lua', 'sh',
  },
  root_markers = { '.aiex.toml', '.git' },
  settings = {},
  answer = {
    layout = 'float',
    split = 'below',
    width = 90,
    height = 0.5,
    border = 'auto',
    keys = { close = 'q', split = 's', cancel = '<C-c>', follow_up = 'f' },
  },
  notify = true,
}

local choices = {
  ['answer.layout'] = { 'float', 'split' },
  ['answer.split'] = { 'below', 'above', 'right', 'left' },
}
local borders = { 'auto', 'none', 'single', 'double', 'rounded', 'solid', 'shadow', 'bold' }
local lists = { cmd = true, filetypes = true, root_markers = true }

local current ---@type aiex.Config?

--- Returns the options that hold.
---@return aiex.Config
function M.get()
  return current or M.defaults
end

--- Lets options hold that `resolve` returned.
---@param options aiex.Config
function M.set(options)
  current = options
end

--- Returns the server and its arguments as vim.lsp will start it, nil where a function does that.
---@return string[]?
function M.cmd()
  local resolved = vim.lsp.config.aiex
  local cmd = resolved and resolved.cmd or M.get().cmd
  return type(cmd) == 'table' and cmd or nil
end

--- Returns the filetypes it is for: those of the user's own vim.lsp.config(), else the options'.
---@return string[]
function M.filetypes()
  local resolved = vim.lsp.config.aiex
  return resolved and resolved.filetypes or M.get().filetypes
end

--- Returns the server's program with other words in the place of `serve`, as by `uvx aiex-lsp serve`.
---@param cmd string[]
---@param ... string
---@return string[]
function M.tool(cmd, ...)
  local words = {}
  for _, word in ipairs(cmd) do
    if word == 'serve' then
      break
    end
    words[#words + 1] = word
  end
  return vim.list_extend(words, { ... })
end

local function distance(a, b)
  local row = {}
  for j = 0, #b do
    row[j] = j
  end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:sub(i, i) == b:sub(j, j) and 0 or 1
      diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
    end
  end
  return row[#b]
end

--- Returns the name nearest to a wrong one, nil where none is near.
---@param wrong string
---@param names string[]
---@return string?
function M.nearest(wrong, names)
  local best, least
  table.sort(names)
  for _, name in ipairs(names) do
    local far = distance(wrong:lower(), name:lower())
    if not least or far < least then
      best, least = name, far
    end
  end
  return best and least <= math.max(2, math.floor(#best / 2)) and best or nil
end

-- What is wrong with a value of a known option, nil where nothing is.
local function complaint(path, default, value)
  if lists[path] then
    local good = vim.islist(value) and #value > 0
    for _, one in ipairs(good and value or {}) do
      good = good and type(one) == 'string'
    end
    return not good and 'must be a list of strings' or nil
  elseif path == 'answer.border' then
    local known = vim.list_contains(borders, value)
      or type(value) == 'table' and vim.islist(value) and vim.list_contains({ 1, 2, 4, 8 }, #value)
    return not known and ('must be one of "%s" or a list of 1, 2, 4 or 8 characters'):format(
      table.concat(borders, '", "')) or nil
  elseif type(value) ~= type(default) then
    return ('must be a %s, not a %s'):format(type(default), type(value))
  elseif choices[path] and not vim.list_contains(choices[path], value) then
    return ('must be one of "%s"'):format(table.concat(choices[path], '", "'))
  elseif type(value) == 'number' and value <= 0 then
    return 'must be more than 0'
  end
end

local function merge(path, defaults, given, problems)
  local taken = vim.deepcopy(defaults)
  for key, value in pairs(given) do
    local name = path .. tostring(key)
    if defaults[key] == nil then
      local near = M.nearest(tostring(key), vim.tbl_keys(defaults))
      local hint = near and ('; did you mean "%s%s"?'):format(path, near)
        or ('. There are: %s'):format(table.concat(vim.fn.sort(vim.tbl_keys(defaults)), ', '))
      problems[#problems + 1] = ('unknown option "%s"%s'):format(name, hint)
    else
      local wrong = complaint(name, defaults[key], value)
      if wrong then
        problems[#problems + 1] = ('option "%s" %s; the default is used'):format(name, wrong)
      elseif name == 'settings' or lists[name] or type(defaults[key]) ~= 'table' then
        taken[key] = vim.deepcopy(value)
      else
        taken[key] = merge(name .. '.', defaults[key], value, problems)
      end
    end
  end
  return taken
end

--- Returns the options with the defaults filled in, and a sentence for each that is wrong.
---@param given aiex.Options
---@return aiex.Config, string[]
function M.resolve(given)
  if type(given) ~= 'table' then
    return vim.deepcopy(M.defaults), { ('setup takes a table, not a %s'):format(type(given)) }
  end
  local problems = {}
  local taken = merge('', M.defaults, given, problems)
  table.sort(problems)
  return taken, problems
end

return M

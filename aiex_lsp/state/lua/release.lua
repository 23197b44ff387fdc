-- KEYS: window. ARGV: clock, length, id.
local window = load()
local entry, index = find(window, ARGV[3])
if entry then
  less(window.requests, entry, -entry.weight)
  less(window.tokens, entry, -entry.weight * entry.tokens)
  table.remove(window.entries, index)
  window.gone[#window.gone + 1] = 'e:' .. entry.id
  save(window)
end
return {}

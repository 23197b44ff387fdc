-- KEYS: window. ARGV: clock, length, id, tokens.
local window = load()
local entry = find(window, ARGV[3])
if entry then
  local tokens = tonumber(ARGV[4])
  less(window.tokens, entry, entry.weight * (tokens - entry.tokens))
  entry.tokens = tokens
  window.dirty[entry.id] = entry
  save(window)
end
return {}

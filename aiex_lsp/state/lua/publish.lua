-- KEYS: window. ARGV: clock, length, then id, at, tokens of each row.
local window = load()
current(window)
local known = {}
for _, entry in ipairs(window.entries) do known[entry.id] = true end
for index = 3, #ARGV, 3 do
  local id, at = ARGV[index], math.min(tonumber(ARGV[index + 1]), now)
  if not known[id] and at + length > now then
    known[id] = true
    add(window, id, at, tonumber(ARGV[index + 2]), 1)
  end
end
save(window)
return {}

-- KEYS: circuits. ARGV: clock. Reply: now, then the fields of each.
local reply = {text(now)}
for _, key in ipairs(KEYS) do reply[#reply + 1] = flat(load(key)) end
return reply

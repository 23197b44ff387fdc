-- KEYS: the value. ARGV: clock. Reply: the value, or nothing.
local kept = redis.call('GET', KEYS[1])
if not kept then return {} end
local cut = string.find(kept, ' ', 1, true)
if tonumber(string.sub(kept, 1, cut - 1)) <= now then return {} end
return {string.sub(kept, cut + 1)}

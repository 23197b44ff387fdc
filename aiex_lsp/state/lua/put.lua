-- KEYS: the value. ARGV: clock, value, microseconds to keep it.
-- The time it holds until stands before it: Redis' own expiry only cleans up.
local ttl = tonumber(ARGV[3])
if ttl <= 0 then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], text(now + ttl) .. ' ' .. ARGV[2],
    'PX', text(math.ceil(ttl / 1000) + 1000))
end
return {}

-- KEYS: answers, until, used, totals. ARGV: clock, key. Reply: the answer, or nothing.
local holds = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[2]) or 0)
local value = redis.call('HGET', KEYS[1], ARGV[2])
if not value or holds <= now then return {} end
redis.call('ZADD', KEYS[3], redis.call('HINCRBY', KEYS[4], 'used', 1), ARGV[2])
return {value}

-- KEYS: answers, until, used, totals. ARGV: clock, key, value, microseconds to keep it, most bytes.
local name, value, ttl, most = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

local function drop(which)
  local size = redis.call('HSTRLEN', KEYS[1], which)
  redis.call('HDEL', KEYS[1], which)
  redis.call('ZREM', KEYS[2], which)
  redis.call('ZREM', KEYS[3], which)
  redis.call('HINCRBY', KEYS[4], 'bytes', 0 - size)
end

drop(name)
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', text(now), 'LIMIT', 0, 1000)) do
  drop(old)
end
if ttl > 0 and #value <= most then
  redis.call('HSET', KEYS[1], name, value)
  redis.call('ZADD', KEYS[2], text(now + ttl), name)
  redis.call('ZADD', KEYS[3], redis.call('HINCRBY', KEYS[4], 'used', 1), name)
  redis.call('HINCRBY', KEYS[4], 'bytes', #value)
end
while tonumber(redis.call('HGET', KEYS[4], 'bytes') or 0) > most do
  local oldest = redis.call('ZRANGE', KEYS[3], 0, 0)[1]
  if not oldest then
    redis.call('DEL', unpack(KEYS))  -- a part was evicted: begin anew
    break
  end
  drop(oldest)
end
local expires = math.ceil(math.max(0, ttl) / 1000) + 60000
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < expires then redis.call('PEXPIRE', key, text(expires)) end
end
return {}

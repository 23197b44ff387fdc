-- KEYS: times, payloads. ARGV: clock, how long a member counts, then nothing to look only, or
-- id, host, payload of the one that is there. Reply: id, time, host, payload of each.
local function gone(id)
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id, id .. ' host')
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. text(now), '+inf')) do
  redis.call('ZADD', KEYS[1], text(now), id)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', text(now - ARGV[2]))) do gone(id) end
if ARGV[3] then
  redis.call('ZADD', KEYS[1], text(now), ARGV[3])
  redis.call('HSET', KEYS[2], ARGV[3], ARGV[5], ARGV[3] .. ' host', ARGV[4])
  redis.call('EXPIRE', KEYS[1], 3600)
  redis.call('EXPIRE', KEYS[2], 3600)
end
local reply = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  reply[#reply + 1] = id
  reply[#reply + 1] = text(tonumber(redis.call('ZSCORE', KEYS[1], id)))
  reply[#reply + 1] = redis.call('HGET', KEYS[2], id .. ' host') or ''
  reply[#reply + 1] = redis.call('HGET', KEYS[2], id) or '{}'
end
return reply

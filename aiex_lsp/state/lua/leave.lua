-- KEYS: times, payloads. ARGV: clock, id.
redis.call('ZREM', KEYS[1], ARGV[2])
redis.call('HDEL', KEYS[2], ARGV[2], ARGV[2] .. ' host')
return {}

-- KEYS: circuits. ARGV: clock, holder, chance, threshold, open, most, failure share, share window,
-- share least, ramp, jitter, then the outcome of each circuit.
-- Reply: now, then the state before and the fields after of each.
local policy = {
  chance = tonumber(ARGV[3]), threshold = tonumber(ARGV[4]), open_for = tonumber(ARGV[5]),
  most = tonumber(ARGV[6]), failure_share = tonumber(ARGV[7]), share_window = tonumber(ARGV[8]),
  share_least = tonumber(ARGV[9]), ramp = tonumber(ARGV[10]), jitter = tonumber(ARGV[11]),
}
local reply = {text(now)}
for index, key in ipairs(KEYS) do
  local before = load(key)
  local state = before.state
  local after = recorded(before, ARGV[11 + index], ARGV[2], policy)
  save(key, after)
  reply[#reply + 1] = state
  reply[#reply + 1] = flat(after)
end
return reply

-- KEYS: circuits. ARGV: clock, holder, lease.
-- Reply: now, '0' and the refusing circuit's place and fields, or '1' and whether it is the probe.
local holder, lease = ARGV[2], tonumber(ARGV[3])
local records = {}
for index, key in ipairs(KEYS) do
  records[index] = load(key)
  if records[index].moved then save(key, records[index]) end
end
for index in ipairs(KEYS) do
  if not admits(records[index], holder) then
    return {text(now), '0', tostring(index), flat(records[index])}
  end
end
local probe = '0'
for index, key in ipairs(KEYS) do
  local record = records[index]
  if record.state ~= 'closed' then
    record.state, record.probe = 'half_open', holder
    record.probe_at, record.probe_until = now, now + lease
    save(key, record)
    probe = '1'
  end
end
return {text(now), '1', probe}

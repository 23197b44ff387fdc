-- KEYS: circuits. ARGV: clock.
for _, key in ipairs(KEYS) do
  local record = load(key)
  if record.state == 'open' and record.retry_at and record.retry_at > now then
    record.retry_at = now
    record.moved = true
  end
  if record.moved then save(key, record) end
end
return {}

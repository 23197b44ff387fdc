-- KEYS: circuits. ARGV: clock.
for _, key in ipairs(KEYS) do
  local record = load(key)
  if record.state == 'open' and record.retry_at and record.retry_at > now then
    record.retry_at = now
    save(key, record)
  end
end
return {}

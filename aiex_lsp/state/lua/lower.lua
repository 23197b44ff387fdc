-- KEYS: window. ARGV: clock, length, then left and reset of requests and of tokens, '' if not told.
local window = load()
current(window)
for index, name in ipairs({'requests', 'tokens'}) do
  local left, reset = tonumber(ARGV[2 * index + 1]), tonumber(ARGV[2 * index + 2])
  if left then
    local until_ = now + (reset or length)
    if until_ > now then
      window[name] = {left = left, until_ = until_, seen = now, order = window.order, changed = true}
    elseif window[name] then
      window[name] = nil
      window.gone[#window.gone + 1] = name
    end
  end
end
save(window)
return {}

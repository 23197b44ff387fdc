-- KEYS: window, born. ARGV: clock, length, id, tokens, share, request limit, token limit ('' where
-- unlimited), the identity the caller knows, a fresh identity, whether to tell the rows.
-- Reply: identity, granted (1, 0; -1: another store), at, requests, tokens, refused, wait ('inf' for
-- never), free tokens ('' for unlimited), by provider, then the rows.
local DAY = 86400000
local born = redis.call('GET', KEYS[2])
if not born then
  born = ARGV[9]
  redis.call('SET', KEYS[2], born, 'PX', DAY)
else
  redis.call('PEXPIRE', KEYS[2], DAY)
end
if ARGV[8] ~= '' and ARGV[8] ~= born then return {born, '-1'} end

local id, size, share = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local limits = {requests = tonumber(ARGV[6]), tokens = tonumber(ARGV[7])}
local window = load()
current(window)

local function amount(entry, name)
  if name == 'requests' then return entry.weight end
  return entry.weight * entry.tokens
end

local function used(name)
  local sum, shared = 0, 0
  for _, entry in ipairs(window.entries) do
    sum = sum + amount(entry, name)
    if entry.weight > 1 then shared = shared + 1 end
  end
  return sum, shared
end

-- When a limit has room for the wish: 0 if now, nil if never.
local function room_at(name, wish, limit)
  local sum, shared = used(name)
  local at = 0
  for index = 1, #window.entries + 1 do
    local counted = share * wish
    if counted > limit and shared == 0 then counted = wish end
    if sum + counted <= limit then return at end
    local entry = window.entries[index]
    if entry then
      sum = sum - amount(entry, name)
      if entry.weight > 1 then shared = shared - 1 end
      at = entry.at + length
    end
  end
  return nil
end

local function free_tokens()
  local least = nil
  if limits.tokens then
    local sum, shared = used('tokens')
    local free = limits.tokens - sum
    if share * free > limits.tokens and shared == 0 then
      least = free
    else
      least = math.floor(free / share)
    end
  end
  if window.tokens then
    local free = math.floor(window.tokens.left / share)
    if not least or free < least then least = free end
  end
  if not least then return '' end
  return text(math.max(0, least))
end

local refused, wait, by_provider = '', -1, '0'
local entry = find(window, id)
if not entry then
  for _, name in ipairs({'requests', 'tokens'}) do
    local wish = name == 'requests' and 1 or size
    if limits[name] then
      local at = room_at(name, wish, limits[name])
      local this = not at and math.huge or at - now
      if (not at or at > now) and this > wait then refused, wait, by_provider = name, this, '0' end
    end
    local left = window[name]
    if left and share * wish > left.left and left.until_ - now > wait then
      refused, wait, by_provider = name, left.until_ - now, '1'
    end
  end
  if refused == '' then entry = add(window, id, now, size, share) end
end
save(window)

local reply = {born, entry and '1' or '0', text(entry and entry.at or now),
  text(#window.entries), text(total(window)), refused,
  wait == math.huge and 'inf' or text(math.max(0, wait)), free_tokens(), by_provider}
if ARGV[10] == '1' then tell_rows(window, reply) end
return reply

-- The exact sliding window of aiex_lsp/state/window.py, kept in one hash (KEYS[1]):
-- "e:ID" = "at tokens weight order" of an entry, "requests" and "tokens" = "left until seen order"
-- of what the provider said is left, "order" the next place. ARGV[2] is the window's length.
local key = KEYS[1]
local length = tonumber(ARGV[2])
local SLACK = 60000  -- milliseconds a key outlives what it holds

local function numbers(value)
  local a, b, c, d = string.match(value, '^(%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+)$')
  return tonumber(a), tonumber(b), tonumber(c), tonumber(d)
end

local function still_left(left)
  if not left then return nil end
  if left.seen > now then
    left.until_ = left.until_ - (left.seen - now)
    left.seen = now
    left.changed = true
  end
  if left.until_ > now then return left end
  return nil
end

local function load()
  local window = {entries = {}, order = 0, gone = {}, dirty = {}}
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local name, value = fields[i], fields[i + 1]
    if string.sub(name, 1, 2) == 'e:' then
      local at, tokens, weight, order = numbers(value)
      window.entries[#window.entries + 1] =
        {id = string.sub(name, 3), at = at, tokens = tokens, weight = weight, order = order}
    elseif name == 'order' then
      window.order = tonumber(value)
    else
      local left, until_, seen, order = numbers(value)
      window[name] = {left = left, until_ = until_, seen = seen, order = order}
    end
  end
  return window
end

local function find(window, id)
  for index, entry in ipairs(window.entries) do
    if entry.id == id then return entry, index end
  end
end

-- Take out what has left the window; what lies in the future is taken as of now.
local function current(window)
  local entries = {}
  for _, entry in ipairs(window.entries) do
    if entry.at + length > now then
      if entry.at > now then
        entry.at = now
        window.dirty[entry.id] = entry
      end
      entries[#entries + 1] = entry
    else
      window.gone[#window.gone + 1] = 'e:' .. entry.id
      window.dirty[entry.id] = nil
    end
  end
  table.sort(entries, function(a, b)
    if a.at ~= b.at then return a.at < b.at end
    return a.order < b.order
  end)
  window.entries = entries
  for _, name in ipairs({'requests', 'tokens'}) do
    local left = window[name]
    window[name] = still_left(left)
    if left and not window[name] then window.gone[#window.gone + 1] = name end
  end
end

local function less(left, entry, amount)
  if left and entry.order >= left.order and entry.at >= left.seen then
    left.left = left.left - amount
    left.changed = true
  end
end

local function add(window, id, at, tokens, weight)
  local entry = {id = id, at = at, tokens = tokens, weight = weight, order = window.order}
  window.order = window.order + 1
  window.entries[#window.entries + 1] = entry
  window.dirty[id] = entry
  window.reordered = true
  less(window.requests, entry, weight)
  less(window.tokens, entry, weight * tokens)
  return entry
end

-- Write what changed; what is both gone and there again is written last.
local function save(window)
  for first = 1, #window.gone, 1000 do
    redis.call('HDEL', key, unpack(window.gone, first, math.min(first + 999, #window.gone)))
  end
  for id, entry in pairs(window.dirty) do
    redis.call('HSET', key, 'e:' .. id, text(entry.at) .. ' ' .. text(entry.tokens) .. ' '
      .. text(entry.weight) .. ' ' .. text(entry.order))
  end
  local expires = length
  for _, name in ipairs({'requests', 'tokens'}) do
    local left = window[name]
    if left then
      expires = math.max(expires, left.until_ - now)
      if left.changed then
        redis.call('HSET', key, name, text(left.left) .. ' ' .. text(left.until_) .. ' '
          .. text(left.seen) .. ' ' .. text(left.order))
      end
    end
  end
  if window.reordered then redis.call('HSET', key, 'order', text(window.order)) end
  redis.call('PEXPIRE', key, text(math.ceil(expires / 1000) + SLACK))
end

-- Append the rows to a reply: id, at, tokens of each.
local function tell_rows(window, reply)
  for _, entry in ipairs(window.entries) do
    reply[#reply + 1] = entry.id
    reply[#reply + 1] = text(entry.at)
    reply[#reply + 1] = text(entry.tokens)
  end
end

local function total(window)
  local tokens = 0
  for _, entry in ipairs(window.entries) do tokens = tokens + entry.tokens end
  return tokens
end

-- The circuit breaker of aiex_lsp/state/circuit.py, each circuit a hash; times are microseconds.
local DAY = 86400000
local LOG_MOST = 100

local TIMES = {'last_failure', 'opened_at', 'retry_at', 'open_for', 'closed_at', 'ramp_until',
  'probe_at', 'probe_until', 'failures'}

-- Return a circuit with nothing in the future: a clock set back would hold it open. `moved` if
-- something was.
local function load(key)
  local record = {state = 'closed', failures = 0, open_for = 0, log = {}}
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do record[fields[i]] = fields[i + 1] end
  for _, name in ipairs(TIMES) do record[name] = tonumber(record[name]) end
  if type(record.log) == 'string' then
    local log = {}
    for at, bad in string.gmatch(record.log, '(%d+):(%d)') do
      if tonumber(at) > now then record.moved = true end
      log[#log + 1] = {at = math.min(tonumber(at), now), bad = bad == '1'}
    end
    record.log = log
  end
  if record.opened_at and record.opened_at > now then
    if record.retry_at then record.retry_at = record.retry_at - (record.opened_at - now) end
    record.opened_at = now
    record.moved = true
  end
  if record.probe_at and record.probe_at > now and record.probe_until then
    record.probe_until = record.probe_until - (record.probe_at - now)
    record.probe_at = now
    record.moved = true
  end
  if record.closed_at and record.closed_at > now and record.ramp_until then
    record.ramp_until = record.ramp_until - (record.closed_at - now)
    record.closed_at = now
    record.moved = true
  end
  if record.last_failure and record.last_failure > now then
    record.last_failure = now
    record.moved = true
  end
  return record
end

local function flat(record)
  local fields = {'state', record.state}
  if record.probe then
    fields[#fields + 1] = 'probe'
    fields[#fields + 1] = record.probe
  end
  for _, name in ipairs(TIMES) do
    if record[name] then
      fields[#fields + 1] = name
      fields[#fields + 1] = text(record[name])
    end
  end
  if #record.log > 0 then
    local log = {}
    for index, call in ipairs(record.log) do
      log[index] = text(call.at) .. ':' .. (call.bad and '1' or '0')
    end
    fields[#fields + 1] = 'log'
    fields[#fields + 1] = table.concat(log, ' ')
  end
  return fields
end

local function save(key, record)
  redis.call('DEL', key)
  redis.call('HSET', key, unpack(flat(record)))
  local open = record.retry_at and (record.retry_at - now) / 1000 or 0
  redis.call('PEXPIRE', key, text(DAY + math.ceil(math.max(0, open))))
end

local function admits(record, holder)
  if record.state == 'closed' then return true end
  if record.state == 'open' then return not record.retry_at or record.retry_at <= now end
  return not record.probe or record.probe == holder or not record.probe_until
    or record.probe_until <= now
end

local function opened(record, open_for, policy)
  return {
    state = 'open', failures = record.failures, last_failure = record.last_failure,
    opened_at = now, open_for = open_for, log = {},
    retry_at = now + open_for + math.floor(open_for * policy.jitter * policy.chance),
  }
end

local function counted(record, outcome, policy)
  if outcome == 'nothing' then return record end
  local log, bad = {}, 0
  for _, call in ipairs(record.log) do
    if call.at > now - policy.share_window then log[#log + 1] = call end
  end
  log[#log + 1] = {at = now, bad = outcome == 'failure'}
  while #log > LOG_MOST do table.remove(log, 1) end
  for _, call in ipairs(log) do
    if call.bad then bad = bad + 1 end
  end
  record.log = log
  if outcome ~= 'failure' then
    record.failures = 0
    return record
  end
  record.failures = record.failures + 1
  record.last_failure = now
  local by_share = #log >= policy.share_least and bad >= policy.failure_share * #log
  if record.failures < policy.threshold and not by_share then return record end
  return opened(record, policy.open_for, policy)
end

local function recorded(record, outcome, holder, policy)
  if record.state == 'closed' then return counted(record, outcome, policy) end
  if record.state == 'open' or record.probe ~= holder then return record end
  if outcome == 'nothing' then
    record.probe, record.probe_at, record.probe_until = nil, nil, nil
    return record
  end
  if outcome == 'success' then
    return {state = 'closed', failures = 0, open_for = 0, log = {}, closed_at = now,
      ramp_until = now + policy.ramp}
  end
  record.failures = record.failures + 1
  record.last_failure = now
  return opened(record, math.min(2 * record.open_for, policy.most), policy)
end

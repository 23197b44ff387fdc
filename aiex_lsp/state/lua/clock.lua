-- The server's clock in whole microseconds. ARGV[1] stands in for it in tests, else it is empty.
local function clock()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- A number of microseconds as text: Lua's own conversion keeps 14 digits only.
local function text(number)
  return string.format('%.0f', number)
end

local now = clock()

-- KEYS: window, born. ARGV: clock, length. Reply: identity ('' for none), requests, tokens, what is
-- left of each ('' if not told), then the rows. Changes nothing.
local window = load()
current(window)
local function left(name)
  return window[name] and text(math.max(0, window[name].left)) or ''
end
local reply = {redis.call('GET', KEYS[2]) or '', text(#window.entries), text(total(window)), left('requests'), left('tokens')}
tell_rows(window, reply)
return reply

"""The sliding window as Redis keeps it: many calls to a script, decided together and exactly."""

WINDOW = """
-- KEYS: what is counted. ARGV: how many seconds a call counts; the moment in seconds, or '' for Redis' own clock; then
-- for each kind of call how many of them came, against how many limits they count, and for each of those the place of
-- its key and the calls it allows.
-- Returns for each kind how many are allowed, and for each of its limits how many are left after them and in how many
-- milliseconds calls that count now no longer do, and so many that one more fits.
-- A window is kept as second, calls, second, calls, ..., oldest first.
local slots = tonumber(ARGV[1])
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] + time[2] / 1000000
end
local second = math.floor(now)

local windows = {}
local function window_of(place)
  if windows[place] then return windows[place] end
  local window = {total = 0, changed = false}
  local kept = redis.call('GET', KEYS[place])
  local calls = kept and cmsgpack.unpack(kept) or {}
  for at = 1, #calls, 2 do
    if calls[at] > second - slots then
      window[#window + 1] = calls[at]
      window[#window + 1] = calls[at + 1]
      window.total = window.total + calls[at + 1]
    end
  end
  windows[place] = window
  return window
end

local function add(window, count)
  local size = #window
  if size > 0 and window[size - 1] >= second then
    window[size] = window[size] + count
  else
    window[size + 1] = second
    window[size + 2] = count
  end
  window.total = window.total + count
  window.changed = true
end

local function wait(window, limit)
  local left = window.total
  for at = 1, #window, 2 do
    left = left - window[at + 1]
    if left < limit then return math.ceil((window[at] + slots - now) * 1000) end
  end
  return slots * 1000
end

local answer = {}
local at = 3
while at <= #ARGV do
  local room, size = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local limits = {}
  for each = 1, size do
    local window = window_of(tonumber(ARGV[at + 2 * each]))
    local limit = tonumber(ARGV[at + 2 * each + 1])
    limits[each] = {window, limit}
    room = math.max(0, math.min(room, limit - window.total))
  end
  answer[#answer + 1] = room
  for each = 1, size do
    local window, limit = limits[each][1], limits[each][2]
    if room > 0 then add(window, room) end
    answer[#answer + 1] = math.max(0, limit - window.total)
    answer[#answer + 1] = wait(window, limit)
  end
  at = at + 2 + 2 * size
end

for place, window in pairs(windows) do
  if window.changed then
    local calls = {}
    for each = 1, #window do calls[each] = window[each] end
    redis.call('SET', KEYS[place], cmsgpack.pack(calls), 'EX', slots + 1)
  end
end
return answer
"""

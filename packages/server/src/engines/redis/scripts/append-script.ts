// The append: judges a batch over any number of channels request by request, gives offsets, stores, remembers
// producers and tells those who listen, in one step. Rules: LOG-1, LOG-2, LOG-5, LOG-6, LOG-12, LOG-13, REDIS-3.
//
// Reads everything before it writes anything, so that what fails early changes nothing. The first write of a script
// is the one that Redis may refuse (out of memory, a replica, too few replicas); after it none is.

import { defineScript, type Script } from './script.ts';

/**
 * KEYS: record and entries of each channel, then the keys of producers.
 * ARGV: [3] what each message begins with, [4] PUBLISH or SPUBLISH, [5] how long a producer is remembered, ms,
 * [6] largest message, bytes, [7] number of channels; then for each channel: whom to tell, how many requests, and
 * those. A positive number: that many bodies. A negative one: a header and a body for each. Header: `E` for an end, or
 * `key|producer epoch|sequence|expected epoch|expected offset`, where what is not asked for is empty, `key` is a place
 * in KEYS, and the expected epoch is `*` for an empty channel.
 *
 * Answers [sees its incarnation, ms, why nobody could be told], then for each channel [epoch, head before, …]: nothing
 * more where all bodies were taken, `ended` where none was, else an outcome for each request: `n` new, `x` ended,
 * `y` ended before, `d offset ms` a repeat, `e` refused as ended, `f epoch` fenced, `g next` a gap, `c` a conflict.
 * A channel that failed on its own is ['!', why].
 */
export const APPEND: Script = defineScript(`
local messageHead, publish = ARGV[3], ARGV[4]
local keyWindowMs, maxMessageBytes, channelCount = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local clock = redis.call('TIME')
local seconds, milliseconds = tonumber(clock[1]), math.floor(tonumber(clock[2]) / 1000)
local ms = whole(seconds * 1000 + milliseconds)

-- ISO 8601. Days to a date as in the proleptic Gregorian calendar, counted in years that begin in March.
local function isoTime()
  local days = math.floor(seconds / 86400)
  local rest = seconds - days * 86400
  local era = math.floor((days + 719468) / 146097)
  local day = days + 719468 - era * 146097
  local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
  local ofYear = day - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * ofYear + 2) / 153)
  local date = ofYear - math.floor((153 * month + 2) / 5) + 1
  month = month < 10 and month + 3 or month - 9
  year = year + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, date,
    math.floor(rest / 3600), math.floor(rest / 60) % 60, rest % 60, milliseconds)
end
local iso

-- How a request that asks for more than to be appended is judged. A function that makes another: most calls need none.
local function createJudge()
  local producers = {}

  -- What the channel remembers of a producer: an empty table when nothing.
  local function lastOf(place, generation)
    local last = producers[place]
    if last then return last end
    last = {}
    producers[place] = last
    local value = redis.pcall('GET', KEYS[place])
    if type(value) == 'string' then
      local of, epoch, sequence, offset, at = string.match(value, '^(%S+) (%d+) (%d+) (%d+) (%d+)$')
      if of == generation then
        last.epoch, last.sequence, last.offset, last.at = tonumber(epoch), tonumber(sequence), offset, at
      end
    end
    return last
  end

  return function(channel, header, body)
    if header == 'E' then
      if channel.ended then return 'y' end
      channel.ended, channel.endsNow = true, true
      return 'x'
    end
    local place, epochText, sequenceText, expectedEpoch, expectedOffset =
      string.match(header, '^(%d*)|(%d*)|(%d*)|([^|]*)|(%d*)$')
    local last, epoch, sequence
    if place ~= '' then
      last = lastOf(tonumber(place), channel.generation)
      epoch, sequence = tonumber(epochText), tonumber(sequenceText)
      if last.epoch then
        if epoch < last.epoch then return 'f ' .. whole(last.epoch) end
        if epoch == last.epoch and sequence <= last.sequence then return 'd ' .. last.offset .. ' ' .. last.at end
      end
    end
    if channel.ended then return 'e' end
    if last then
      local following = epoch == last.epoch and last.sequence + 1 or 1
      if sequence ~= following then return 'g ' .. whole(following) end
    end
    if expectedEpoch == '*' then
      if channel.head ~= 0 then return 'c' end
    elseif expectedEpoch ~= '' then
      if expectedEpoch ~= channel.epoch or tonumber(expectedOffset) ~= channel.head then return 'c' end
    end
    channel.head = channel.head + 1
    channel.bodies[#channel.bodies + 1] = body
    if last then
      last.epoch, last.sequence, last.offset, last.at = epoch, sequence, whole(channel.head), ms
      channel.remembered = channel.remembered or {}
      channel.remembered[KEYS[tonumber(place)]] =
        table.concat({ channel.generation, epochText, sequenceText, last.offset, ms }, ' ')
    end
    return 'n'
  end
end
local judge

-- The requests of a channel, from that place in ARGV on. Returns the place after them.
local function judgeAll(channel, count, at)
  local bodies, answer = channel.bodies, channel.answer
  if count > 0 then
    if channel.ended then
      answer[3] = 'ended'
    else
      for place = 1, count do bodies[place] = ARGV[at + place - 1] end
      channel.head = channel.head + count
    end
    return at + count
  end
  judge = judge or createJudge()
  for number = 1, -count do
    answer[number + 2] = judge(channel, ARGV[at], ARGV[at + 1])
    at = at + 2
  end
  return at
end

local function message(channel)
  local bytes = 0
  for _, body in ipairs(channel.bodies) do bytes = bytes + #body + 70 end
  local texts, lengths = {}, {}
  if bytes <= maxMessageBytes then
    iso = iso or isoTime()
    local offset = channel.head - #channel.bodies
    for place, body in ipairs(channel.bodies) do
      local text = '{"offset":' .. whole(offset + place) .. ',"at":"' .. iso .. '",' .. body .. '}'
      texts[place], lengths[place] = text, #text
    end
  end
  return messageHead .. ',"epoch":"' .. channel.epoch .. '","head":' .. whole(channel.head)
    .. ',"ended":' .. tostring(channel.ended) .. ',"lengths":[' .. table.concat(lengths, ',')
    .. '],"entries":[' .. table.concat(texts, ',') .. ']}'
end

local silence = ''

local function commit(channel)
  local meta, stream, bodies = channel.meta, channel.stream, channel.bodies
  if #bodies == 0 and not channel.endsNow then
    keep(channel)
    return
  end
  dropStray(channel)
  local before = channel.head - #bodies
  for place, body in ipairs(bodies) do
    redis.call('XADD', stream, whole(before + place) .. '-0', 'at', ms, 'event', body)
  end
  if channel.isNew or channel.endsNow then write(channel) else redis.call('HSET', meta, 'head', whole(channel.head)) end
  if channel.wasEmpty then redis.call('PERSIST', meta) end
  if channel.remembered and keyWindowMs > 0 then
    for key, text in pairs(channel.remembered) do redis.call('SET', key, text, 'PX', ARGV[5]) end
  end
  local told = redis.pcall(publish, channel.name, message(channel))
  if type(told) == 'table' and told.err then silence = told.err end
end

local channels = {}
local at = 8
for number = 1, channelCount do
  local channel = load(KEYS[2 * number - 1], KEYS[2 * number])
  local count = tonumber(ARGV[at + 1])
  channels[number] = channel
  if channel.problem then
    at = at + 2 + (count > 0 and count or -2 * count)
  else
    channel.name, channel.bodies, channel.answer = ARGV[at], {}, { channel.epoch, channel.head }
    channel.wasEmpty = channel.head == 0 and not channel.ended
    at = judgeAll(channel, count, at + 2)
  end
end

local reply = { seesIncarnation, ms, silence }
for number, channel in ipairs(channels) do
  if not channel.problem then
    local isDone, problem = pcall(commit, channel)
    if not isDone then channel.problem = textOf(problem) end
  end
  reply[number + 3] = channel.problem and { '!', channel.problem } or channel.answer
end
reply[3] = silence
return reply
`);

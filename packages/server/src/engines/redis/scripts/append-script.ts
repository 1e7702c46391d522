// The append: judges a batch over any number of channels request by request, gives offsets, stores, remembers
// producers and tells those who listen, in one step. Rules: LOG-1, LOG-2, LOG-5, LOG-6, LOG-12, LOG-13, REDIS-3.
//
// Redis takes nothing back. So a channel is read whole before it is written, and fails alone; and its first write is the
// one that may be refused (out of memory, too few replicas): after a write that was taken Redis refuses none.

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

  -- Changes the channel by what it takes, and answers what became of it.
  return function(channel, header, body)
    if header == 'E' then
      if channel.ended then return 'y' end
      channel.ended = true
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
      channel.remembered[KEYS[tonumber(place)]] =
        table.concat({ channel.generation, epochText, sequenceText, last.offset, ms }, ' ')
    end
    return 'n'
  end
end
local judge

-- Stores what stands in a list behind that place. Returns what is told of it.
local function store(stream, epoch, before, count, bodies, from, ended)
  local bytes = 0
  for place = from + 1, from + count do bytes = bytes + #bodies[place] + 70 end
  local isTold = bytes <= maxMessageBytes
  local texts, lengths = {}, {}
  for place = 1, count do
    local offset, body = whole(before + place), bodies[from + place]
    redis.call('XADD', stream, offset .. '-0', 'at', ms, 'event', body)
    if isTold then
      iso = iso or isoTime()
      local text = '{"offset":' .. offset .. ',"at":"' .. iso .. '",' .. body .. '}'
      texts[place], lengths[place] = text, #text
    end
  end
  return messageHead .. ',"epoch":"' .. epoch .. '","head":' .. whole(before + count)
    .. ',"ended":' .. tostring(ended) .. ',"lengths":[' .. table.concat(lengths, ',')
    .. '],"entries":[' .. table.concat(texts, ',') .. ']}'
end

local silence = ''

-- The requests of one channel, from that place in ARGV on. Reads before it writes; returns the answer.
local function append(meta, stream, name, count, at)
  local problem, isMissing, isNew, epoch, generation, before, first, wasEnded = load(meta)
  if problem then return { '!', problem } end
  local answer = { epoch, before }
  local ended, bodies, from, taken, remembered = wasEnded, ARGV, at - 1, count, nil
  if count < 0 then
    judge = judge or createJudge()
    local channel =
      { epoch = epoch, generation = generation, head = before, ended = wasEnded, bodies = {}, remembered = {} }
    for number = 1, -count do
      answer[number + 2] = judge(channel, ARGV[at], ARGV[at + 1])
      at = at + 2
    end
    ended, bodies, from, taken, remembered = channel.ended, channel.bodies, 0, #channel.bodies, channel.remembered
  elseif wasEnded then
    answer[3] = 'ended'
    taken = 0
  end
  if taken == 0 and ended == wasEnded then
    keep(meta, stream, isMissing, isNew, epoch, generation, before, first, ended)
    return answer
  end
  dropStray(isMissing, stream)
  local message = store(stream, epoch, before, taken, bodies, from, ended)
  if isNew or ended then
    write(meta, epoch, generation, before + taken, first, ended)
  else
    redis.call('HSET', meta, 'head', whole(before + taken))
  end
  if before == 0 and not wasEnded then redis.call('PERSIST', meta) end
  if remembered and keyWindowMs > 0 then
    for key, text in pairs(remembered) do redis.call('SET', key, text, 'PX', ARGV[5]) end
  end
  local told = redis.pcall(publish, name, message)
  if type(told) == 'table' and told.err then silence = told.err end
  return answer
end

local reply = { seesIncarnation, ms, silence }
local at = 8
for number = 1, channelCount do
  local count = tonumber(ARGV[at + 1])
  local isDone, answer = pcall(append, KEYS[2 * number - 1], KEYS[2 * number], ARGV[at], count, at + 2)
  if not isDone then answer = { '!', type(answer) == 'table' and answer.err or tostring(answer) } end
  reply[number + 3] = answer
  at = at + 2 + (count > 0 and count or -2 * count)
end
reply[3] = silence
return reply
`);

// A page: the channel's record, its snapshot, and what comes after an offset, within a number of entries and bytes.
// Rules: LOG-3, LOG-4, REDIS-1, REDIS-4.

import { defineScript, type Script } from './script.ts';

/**
 * KEYS: record, entries. ARGV: [3] after, [4] most entries, [5] most bytes of their bodies.
 * Answers [sees its incarnation, epoch, head, first, ended, snapshot offset, version, text, ms, body, ms, body …].
 *
 * Offsets have no hole, so one among the entries, or none of them up to the head, is a loss (an eviction, a hand in
 * the data): the log then begins after it, which the reader is told by `first`.
 */
export const READ: Script = defineScript(`
local meta, stream = KEYS[1], KEYS[2]
local after, maxEvents, maxBytes = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local problem, isMissing, isNew, epoch, generation, head, first, ended = load(meta)
if problem then return redis.error_reply(problem) end
keep(meta, stream, isMissing, isNew, epoch, generation, head, first, ended)
local snapshot = redis.call('HMGET', meta, 'snapshot_offset', 'snapshot_version', 'snapshot_text')
local reply = { seesIncarnation, epoch, head, first, ended and 1 or 0, snapshot[1], snapshot[2], snapshot[3] }

local expected = math.max(after + 1, first)
local count, bytes, isFull = 0, 0, false

local function lostBefore(offset)
  first, reply[4], count, bytes = offset, offset, 0, 0
  for place = #reply, 9, -1 do reply[place] = nil end
  redis.call('HSET', meta, 'first', whole(first))
end

while maxEvents > count and not isFull and expected <= head do
  local found = redis.call('XRANGE', stream, whole(expected) .. '-0', '+', 'COUNT', math.min(64, maxEvents - count))
  if #found == 0 then
    lostBefore(head + 1)
    break
  end
  for _, entry in ipairs(found) do
    local offset, body = tonumber(string.match(entry[1], '^%d+')), entry[2][4]
    if offset ~= expected then lostBefore(offset) end
    if count > 0 and bytes + #body > maxBytes then
      isFull = true
      break
    end
    count, bytes, expected = count + 1, bytes + #body, offset + 1
    reply[#reply + 1] = entry[2][2]
    reply[#reply + 1] = body
  end
end
return reply
`);

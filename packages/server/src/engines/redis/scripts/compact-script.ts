// Compaction: a compare-and-set of the stored snapshot, then trimming what is over size or age. Rules: LOG-8, LOG-8a.

import { defineScript, type Script } from './script.ts';

/**
 * KEYS: record, entries. ARGV: [3] size, [4] greatest age, ms, [5] `1`: nothing after the snapshot goes, [6] epoch of
 * the snapshot or empty, [7] [8] [9] its offset, version and text, or empty, [10] how many entries may go at most.
 * Answers [sees its incarnation, `1` or `0` where the snapshot is of a future that this channel does not have, how
 * many offsets went].
 */
export const COMPACT: Script = defineScript(`
local meta, stream = KEYS[1], KEYS[2]
local problem, isMissing, isNew, epoch, generation, head, first, ended = load(meta)
if problem then return redis.error_reply(problem) end
local offset, version = tonumber(ARGV[7]), tonumber(ARGV[8])
if offset and ARGV[6] ~= '' and ARGV[6] ~= epoch then offset = nil end
if offset and offset > head then return { seesIncarnation, 0, 0 } end
if isMissing then return { seesIncarnation, 1, 0 } end
keep(meta, stream, isMissing, isNew, epoch, generation, head, first, ended)

local stored = redis.call('HMGET', meta, 'snapshot_offset', 'snapshot_version')
local storedOffset, storedVersion = tonumber(stored[1] or ''), tonumber(stored[2] or '')
if offset and offset >= first - 1 then
  if not storedVersion or version > storedVersion or (version == storedVersion and offset >= storedOffset) then
    storedOffset = offset
    redis.call('HSET', meta, 'snapshot_offset', ARGV[7], 'snapshot_version', ARGV[8], 'snapshot_text', ARGV[9])
  end
end

-- The first that is young enough, found by halving: ids are offsets, not times.
local clock = redis.call('TIME')
local since = clock[1] * 1000 + math.floor(clock[2] / 1000) - tonumber(ARGV[4])
local low, high = first, head + 1
while low < high do
  local middle = math.floor((low + high) / 2)
  local found = redis.call('XRANGE', stream, whole(middle) .. '-0', '+', 'COUNT', 1)
  if found[1] and tonumber(found[1][2][2]) >= since then high = middle else low = middle + 1 end
end

local firstKept = math.max(head - tonumber(ARGV[3]) + 1, low)
if ARGV[5] == '1' then firstKept = math.min(firstKept, (storedOffset or 0) + 1) end
firstKept = math.min(firstKept, head + 1, first + tonumber(ARGV[10]))
if firstKept > first then
  if firstKept > head then redis.call('UNLINK', stream)
  else redis.call('XTRIM', stream, 'MINID', whole(firstKept) .. '-0') end
  redis.call('HSET', meta, 'first', whole(firstKept))
end
return { seesIncarnation, 1, math.max(0, firstKept - first) }
`);

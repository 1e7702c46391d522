// What every script begins with: who this server is, and what a channel's record says. Rules: REDIS-1, REDIS-2, LOG-4.
//
// A channel's record is a hash: epoch, incarnation, generation, head, first, ended, snapshot_offset, snapshot_version,
// snapshot_text. `epoch` is what cursors carry. `generation` stays through changes of incarnation, and goes with the
// channel's offsets: what remembers an offset (a producer's key) names it, and counts for nothing in another one.
// A record of a channel that nobody appended to has a time to live: names that are only read must not stay for good.

import { createHash } from 'node:crypto';

export interface Script {
  readonly source: string;
  /** What EVALSHA knows it by. */
  readonly sha: string;
}

/**
 * ARGV[1]: an epoch that no channel ever had; scripts cannot make one, since Redis seeds their random numbers alike.
 * ARGV[2]: how long the record of an empty channel lives, ms.
 *
 * The server is asked here, within the step that uses the answer: what a connection was told when it was made may be
 * out of date. The replication id moves with each promotion, the run id with each start. A server that does not let
 * INFO be called is called 'unknown': then only a lost record is noticed.
 */
const PRELUDE = `
local token, emptyTtlMs = ARGV[1], ARGV[2]
local incarnation, seesIncarnation = 'unknown', 0
-- Its parts come in this order. Plain searches: a pattern takes longer than INFO itself.
local info = redis.pcall('INFO', 'server', 'replication')
if type(info) == 'string' then
  local run = string.find(info, 'run_id:', 1, true)
  local role = run and string.find(info, 'role:', run, true)
  local replication = role and string.find(info, 'master_replid:', role, true)
  if role and string.sub(info, role + 5, role + 9) == 'slave' then
    return redis.error_reply('READONLY This is a replica.')
  end
  if replication then
    incarnation = string.sub(info, run + 7, run + 26) .. string.sub(info, replication + 14, replication + 33)
    seesIncarnation = 1
  end
end

local function whole(number)
  return string.format('%.0f', number)
end

local function textOf(problem)
  return type(problem) == 'table' and problem.err or tostring(problem)
end

-- What the record says, with another epoch where it says nothing, or was made by another incarnation. Writes nothing.
-- All fields at once, also those that an append fills: a table that grows later is made anew for each few.
local function load(meta, stream)
  local record = redis.pcall('HMGET', meta, 'epoch', 'incarnation', 'generation', 'head', 'first', 'ended')
  if record.err then return { problem = record.err } end
  local isMissing = not record[1]
  local isNew = isMissing or record[2] ~= incarnation
  return {
    meta = meta, stream = stream, isMissing = isMissing, isNew = isNew,
    epoch = isNew and token or record[1],
    generation = isMissing and token or record[3],
    head = tonumber(record[4] or 0),
    first = tonumber(record[5] or 1),
    ended = record[6] == '1',
    name = false, bodies = false, remembered = false, wasEmpty = false, endsNow = false, answer = false, problem = false
  }
end

-- Entries without a record are of nobody's: somebody took the record away.
local function dropStray(channel)
  if channel.isMissing and redis.call('EXISTS', channel.stream) == 1 then redis.call('UNLINK', channel.stream) end
end

local function write(channel)
  redis.call('HSET', channel.meta, 'epoch', channel.epoch, 'incarnation', incarnation,
    'generation', channel.generation, 'head', whole(channel.head), 'first', whole(channel.first),
    'ended', channel.ended and '1' or '0')
end

-- Writes what load found to be new, for a channel that nothing is appended to now.
local function keep(channel)
  local meta = channel.meta
  if channel.isNew then
    dropStray(channel)
    write(channel)
  end
  if channel.head == 0 and not channel.ended then
    -- Not at each read: a write goes to the replicas and to the disk.
    if channel.isMissing or redis.call('PTTL', meta) < tonumber(emptyTtlMs) / 2 then
      redis.call('PEXPIRE', meta, emptyTtlMs)
    end
  end
end
`;

export function defineScript(body: string): Script {
  const source = `${PRELUDE}${body}`;
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

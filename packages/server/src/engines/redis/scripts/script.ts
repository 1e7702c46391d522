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

-- What the record says, with another epoch where it says nothing, or was made by another incarnation. Writes nothing.
-- Several values and no table: one for each channel is what an append would spend most of its time on.
local function load(meta)
  local record = redis.pcall('HMGET', meta, 'epoch', 'incarnation', 'generation', 'head', 'first', 'ended')
  if record.err then return record.err end
  if not record[1] then return nil, true, true, token, token, 0, 1, false end
  local isNew = record[2] ~= incarnation
  return nil, false, isNew, isNew and token or record[1], record[3],
    tonumber(record[4]), tonumber(record[5]), record[6] == '1'
end

-- Entries without a record are of nobody's: somebody took the record away.
local function dropStray(isMissing, stream)
  if isMissing and redis.call('EXISTS', stream) == 1 then redis.call('UNLINK', stream) end
end

local function write(meta, epoch, generation, head, first, ended)
  redis.call('HSET', meta, 'epoch', epoch, 'incarnation', incarnation, 'generation', generation,
    'head', whole(head), 'first', whole(first), 'ended', ended and '1' or '0')
end

-- Writes what load found to be new, for a channel that nothing is appended to now.
local function keep(meta, stream, isMissing, isNew, epoch, generation, head, first, ended)
  if isNew then
    dropStray(isMissing, stream)
    write(meta, epoch, generation, head, first, ended)
  end
  if head == 0 and not ended then
    -- Not at each read: a write goes to the replicas and to the disk.
    if isMissing or redis.call('PTTL', meta) < tonumber(emptyTtlMs) / 2 then
      redis.call('PEXPIRE', meta, emptyTtlMs)
    end
  end
end
`;

export function defineScript(body: string): Script {
  const source = `${PRELUDE}${body}`;
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

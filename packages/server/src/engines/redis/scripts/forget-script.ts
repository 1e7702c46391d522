// Forgetting: entries, end and snapshot go, the epoch and the generation change, and those who listen are told.
// Keys of producers are hashes with a time to live; they name the old generation, and count for nothing. Rules: LOG-14, LOG-14a.

import { defineScript, type Script } from './script.ts';

/**
 * KEYS: record, entries. ARGV: [3] what a message begins with, [4] PUBLISH or SPUBLISH, [5] whom to tell, [6] the only
 * epoch to forget, or empty. Answers [sees its incarnation, `1` where it had that epoch, `1` where there was something,
 * why nobody could be told]. Sent again after a lost answer, it finds its own epoch, and does nothing.
 */
export const FORGET: Script = defineScript(`
local meta, stream = KEYS[1], KEYS[2]
local problem, isMissing, isNew, epoch, _, head, _, ended = load(meta)
if problem then return redis.error_reply(problem) end
-- What has come since then came after it.
if not isMissing and not isNew and epoch == token then return { seesIncarnation, 1, 0, '' } end
if ARGV[6] ~= '' and ARGV[6] ~= epoch then return { seesIncarnation, 0, 0, '' } end
if head == 0 and not ended then return { seesIncarnation, 1, 0, '' } end
redis.call('UNLINK', meta, stream)
redis.call('HSET', meta, 'epoch', token, 'incarnation', incarnation, 'generation', token,
  'head', '0', 'first', '1', 'ended', '0')
redis.call('PEXPIRE', meta, emptyTtlMs)
local told = redis.pcall(ARGV[4], ARGV[5], ARGV[3] .. ',"epoch":"' .. token
  .. '","head":0,"ended":false,"lengths":[],"entries":[]}')
return { seesIncarnation, 1, 1, type(told) == 'table' and told.err or '' }
`);

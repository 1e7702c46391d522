// Which of two snapshots a channel keeps: the rule of the compare-and-set, pure. Rule: LOG-8a.

import type { Offset } from '@millrace/protocol';
import { nextOffset } from '@millrace/protocol/wire';
import type { StoredSnapshot } from '../seams/log.ts';

/**
 * Whether the kept entries go on from it, and the stored one is of a lower version, or of this one and not newer.
 * @param first offset of the oldest kept entry; head + 1 where none is
 */
export function supersedes(
  { offset, version }: StoredSnapshot,
  stored: StoredSnapshot | null,
  first: Offset,
): boolean {
  if (nextOffset(offset) < first) return false;
  if (stored === null || stored.version < version) return true;
  return stored.version === version && stored.offset <= offset;
}

// The places of a run, a linked list: what the run is at each, the event that led there, and what projections say of it,
// made once by their keys. Who holds a place keeps what follows it, and nothing before. Rules: RUN-11, VIEW-1.

import { type Cursor, encodeCursor } from '@millrace/protocol';
import {
  EMPTY_RUN,
  foldRun,
  type RunEvent,
  type RunState,
  type RunWrite,
  replayRun,
} from '@millrace/protocol/runs';
import { encodeSse } from '@millrace/protocol/wire';
import { anywhere } from '../pen.ts';

/** What is said for an event, each as JSON; `again` where it can't be said, and the reader has to come again. */
export type Projection = (
  before: RunState,
  event: RunEvent | RunWrite,
) => readonly unknown[] | 'again';

export interface Told {
  /** Of the projection with all its options: what has the same key is made once. */
  readonly key: string;
  readonly project: Projection;
  /** What stands as the id of a block. Default: the cursor. */
  readonly idOf?: (cursor: Cursor) => string;
}

/** What a projection says at one place; the same object for all who are told it. */
export interface Said {
  /** Each as JSON text. */
  readonly items: readonly string[];
  /** All of them as blocks of an event stream, each with the place's cursor as its id. */
  readonly blocks: string;
}

export interface RunPlace {
  readonly cursor: Cursor;
  readonly state: RunState;
}

export interface Place extends RunPlace {
  readonly number: number;
  /** Null for the first one, where the reader itself began. */
  readonly event: RunEvent | null;
  readonly before: RunState;
  next: Place | null;
  readonly said: Map<string, Said | 'again'>;
  /** For those who begin here. */
  readonly whole: Map<string, Said>;
}

export function placeOf(
  cursor: Cursor,
  state: RunState,
  before: RunState,
  event: RunEvent | null,
  previous: Place | null,
): Place {
  const number = (previous?.number ?? 0) + 1;
  return { number, cursor, state, before, event, next: null, said: new Map(), whole: new Map() };
}

/** What is told to those who were there before it. */
export function saidAt(place: Place, told: Told): Said | 'again' {
  const { key, project } = told;
  const known = place.said.get(key);
  if (known !== undefined || place.event === null) return known ?? 'again';
  const items = project(place.before, place.event);
  const said = items === 'again' ? items : saidOf(place.cursor, items, told);
  place.said.set(key, said);
  return said;
}

/** What is told to those who begin here. */
export function wholeAt(place: Place, told: Told): Said {
  const { key, project } = told;
  const known = place.whole.get(key);
  if (known !== undefined) return known;
  const items: unknown[] = [];
  let state = EMPTY_RUN;
  for (const event of replayRun(place.state)) {
    const said = project(state, event);
    state = foldRun(state, anywhere(event));
    // Nothing of a replay contradicts what it told before.
    if (said !== 'again') items.push(...said);
  }
  const said = saidOf(place.cursor, items, told);
  place.whole.set(key, said);
  return said;
}

function saidOf(cursor: Cursor, values: readonly unknown[], { idOf = encodeCursor }: Told): Said {
  const id = idOf(cursor);
  const items = values.map((value) => JSON.stringify(value));
  let blocks: string | null = null;
  return {
    items,
    get blocks() {
      blocks ??= items.map((data) => encodeSse({ id, data })).join('');
      return blocks;
    },
  };
}

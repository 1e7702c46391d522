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
import { SharedText } from '@millrace/server';

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
  readonly blocks: SharedText;
}

export interface RunPlace {
  readonly cursor: Cursor;
  readonly state: RunState;
}

interface Way {
  readonly before: RunState;
  readonly event: RunEvent;
  readonly previous: Place | null;
}

/** A class: one for each event of each run. */
export class Place implements RunPlace {
  readonly cursor: Cursor;
  readonly state: RunState;
  readonly number: number;
  next: Place | null = null;
  /** Null for the first one, where the reader itself began. */
  readonly #event: RunEvent | null;
  readonly #before: RunState;
  readonly #said = new ByKey<Said | 'again'>();
  /** For those who begin here. */
  #whole: ByKey<Said> | null = null;

  constructor(cursor: Cursor, state: RunState, way: Way | null) {
    this.cursor = cursor;
    this.state = state;
    this.number = (way?.previous?.number ?? 0) + 1;
    this.#event = way?.event ?? null;
    this.#before = way?.before ?? state;
  }

  /** What is told to those who were there before it. */
  said(told: Told): Said | 'again' {
    const known = this.#said.get(told.key);
    if (known !== undefined || this.#event === null) return known ?? 'again';
    const items = told.project(this.#before, this.#event);
    return this.#said.set(
      told.key,
      items === 'again' ? items : new SaidItems(this.cursor, items, told),
    );
  }

  /** What is told to those who begin here. */
  whole(told: Told): Said {
    this.#whole ??= new ByKey();
    const known = this.#whole.get(told.key);
    if (known !== undefined) return known;
    const items: unknown[] = [];
    let state = EMPTY_RUN;
    for (const event of replayRun(this.state)) {
      const said = told.project(state, event);
      state = foldRun(state, event);
      // Nothing of a replay contradicts what it told before.
      if (said !== 'again') items.push(...said);
    }
    return this.#whole.set(told.key, new SaidItems(this.cursor, items, told));
  }
}

/** Nearly always there is one key; the map comes with a second. */
class ByKey<Value> {
  #key: string | null = null;
  #value: Value | undefined;
  #others: Map<string, Value> | null = null;

  get(key: string): Value | undefined {
    return key === this.#key ? this.#value : this.#others?.get(key);
  }

  set(key: string, value: Value): Value {
    if (this.#key === null) {
      this.#key = key;
      this.#value = value;
    } else {
      this.#others ??= new Map();
      this.#others.set(key, value);
    }
    return value;
  }
}

class SaidItems implements Said {
  readonly items: readonly string[];
  readonly #cursor: Cursor;
  readonly #idOf: (cursor: Cursor) => string;
  #blocks: SharedText | null = null;

  constructor(cursor: Cursor, values: readonly unknown[], { idOf = encodeCursor }: Told) {
    this.#cursor = cursor;
    this.#idOf = idOf;
    this.items = values.map((value) => JSON.stringify(value));
  }

  get blocks(): SharedText {
    this.#blocks ??= this.#encode();
    return this.#blocks;
  }

  #encode(): SharedText {
    const id = this.#idOf(this.#cursor);
    return new SharedText(this.items.map((data) => encodeSse({ id, data })).join(''));
  }
}

/** What a resuming reader is told at first: blocks, and no items. */
export function saidAsBlocks(blocks: string): Said {
  return { items: [], blocks: new SharedText(blocks) };
}

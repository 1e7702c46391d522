// Frames on their way out: a text made once, and its bytes made once per carrier, for any number of links.
// Rules: EVT-2.

import {
  encodeEventsFrame,
  encodeServerFrame,
  type LiveFrame,
  type ServerFrame,
} from '@millrace/protocol/wire';
import type { Carrier, EventBatch, OutboundFrame, WireBytes } from './seams/link.ts';
import type { LogEntry } from './seams/log.ts';

const NO_ENTRIES: readonly LogEntry[] = [];

/** Any frame but `events`, whose texts exist already. */
export function controlFrame(frame: ServerFrame): OutboundFrame {
  return new Frame(frame.type, encodeServerFrame(frame), '', NO_ENTRIES);
}

/** One of presence or of ephemeral events. @param text the whole frame, where its parts are texts already */
export function liveFrame(type: LiveFrame['type'], text: string): OutboundFrame {
  return new Frame(type, text, '', NO_ENTRIES);
}

export function eventsFrame(
  channel: string,
  epoch: string,
  entries: readonly LogEntry[],
): OutboundFrame {
  const texts = entries.map((entry) => entry.text);
  return new Frame('events', encodeEventsFrame(channel, texts), epoch, entries);
}

/** A class, and its own batch, because one is made for each event of each channel: no functions or objects beside it. */
class Frame implements OutboundFrame, EventBatch {
  readonly type: OutboundFrame['type'];
  readonly text: string;
  readonly epoch: string;
  readonly entries: readonly LogEntry[];
  // Nearly every frame goes to one carrier: the last pair is looked at first, the map comes with a second one.
  #lastCarrier: Carrier | null = null;
  #lastBytes: WireBytes = '';
  #all: Map<Carrier, WireBytes> | null = null;

  constructor(
    type: OutboundFrame['type'],
    text: string,
    epoch: string,
    entries: readonly LogEntry[],
  ) {
    this.type = type;
    this.text = text;
    this.epoch = epoch;
    this.entries = entries;
  }

  get batch(): EventBatch | null {
    return this.type === 'events' ? this : null;
  }

  as(carrier: Carrier): WireBytes {
    return carrier === this.#lastCarrier ? this.#lastBytes : this.#encode(carrier);
  }

  #encode(carrier: Carrier): WireBytes {
    const bytes = this.#all?.get(carrier) ?? carrier.encode(this);
    if (this.#lastCarrier !== null) {
      this.#all ??= new Map([[this.#lastCarrier, this.#lastBytes]]);
    }
    this.#all?.set(carrier, bytes);
    this.#lastCarrier = carrier;
    this.#lastBytes = bytes;
    return bytes;
  }
}

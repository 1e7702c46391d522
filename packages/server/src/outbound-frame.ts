// Frames on their way out: a text made once, and its bytes made once per carrier, for any number of links.
// Rules: EVT-2.

import { encodeEventsFrame, encodeServerFrame, type ServerFrame } from '@millrace/protocol/wire';
import type { Carrier, EventBatch, OutboundFrame } from './seams/link.ts';
import type { LogEntry } from './seams/log.ts';

/** Any frame but `events`, whose texts exist already. */
export function controlFrame(frame: ServerFrame): OutboundFrame {
  return createFrame(frame.type, encodeServerFrame(frame), null);
}

export function eventsFrame(
  channel: string,
  epoch: string,
  entries: readonly LogEntry[],
): OutboundFrame {
  const texts = entries.map((entry) => entry.text);
  return createFrame('events', encodeEventsFrame(channel, texts), { epoch, entries });
}

function createFrame(
  type: ServerFrame['type'],
  text: string,
  batch: EventBatch | null,
): OutboundFrame {
  // Nearly every frame goes to one carrier: the last pair is looked at first, the map comes with a second one.
  let lastCarrier: Carrier | null = null;
  let lastBytes: Uint8Array = EMPTY;
  let all: Map<Carrier, Uint8Array> | null = null;
  const frame: OutboundFrame = {
    type,
    text,
    batch,
    as(carrier) {
      if (carrier === lastCarrier) return lastBytes;
      const bytes = all?.get(carrier) ?? carrier.encode(frame);
      if (lastCarrier !== null) all ??= new Map([[lastCarrier, lastBytes]]);
      all?.set(carrier, bytes);
      lastCarrier = carrier;
      lastBytes = bytes;
      return bytes;
    },
  };
  return frame;
}

const EMPTY = new Uint8Array();

// The ephemeral events of one channel as a page sees them: those that count right now, of each session the newest of a
// kind, each for as long as the contract says. And the page's own, sent as often as is worth it. Nothing is kept, repeated
// or answered. Rules: EPH-1 … EPH-5.

import {
  checkSchema,
  type EventSchemas,
  MillraceError,
  type StandardSchema,
  toMillraceError,
} from '@millrace/protocol';
import type { EphemeralEvent } from '@millrace/protocol/wire';
import type { Client } from '../client-types.ts';
import { post } from '../transports/http.ts';
import { type ChannelFrame, liveSessionOf, type You } from './live-session.ts';
import type { EphemeralInput, EphemeralOf } from './live-types.ts';
import { createThrottle, type Throttle } from './throttle.ts';

/** Events of one kind go out at most so often, ms: over a link that can send, and where each is a request. */
const SEND_EVERY_MS = { duplex: 100, posted: 1_000 } as const;
const ANSWER_WITHIN_MS = 5_000;

/** The part of a channel that ephemeral events need. */
export interface EphemeralChannel<Events extends EventSchemas> {
  readonly name: string;
  readonly contract: { readonly ephemeral: Events | undefined; readonly ephemeralForMs: number };
}

export interface ChannelEphemeral<Input, Event> {
  /**
   * Sends the event to whoever reads the channel now, or nobody: it is not kept, repeated or answered, and without a link
   * it is dropped. Of one kind at most ten a second go out (one over SSE and poll), always the newest. What the server
   * refuses goes to the client's `onError`.
   * @throws MillraceError `contract/unknown-event`, `contract/invalid-event`
   */
  send(event: Input): void;
  /** Reads while somebody listens. Returns an unsubscribe that may be called twice. */
  subscribe(listener: () => void): () => void;
  /** The events of others that count now, oldest first; the same list until one comes or its time is over. */
  getSnapshot(): readonly Event[];
  /** Who the server takes this session for; null before it has said so. */
  you(): You | null;
}

interface Seen extends EphemeralEvent {
  readonly at: number;
}

type ErasedEphemeral = ChannelEphemeral<{ readonly type: string; readonly data: unknown }, Seen>;

const NONE: readonly Seen[] = [];

const made = new WeakMap<Client, Map<string, ErasedEphemeral>>();

/**
 * Events that pass, such as typing or a pointer's place: typed by the contract's `ephemeral`.
 *
 * ```ts
 * const pointers = ephemeralOf(client, board.of({ id: '7' }));
 * pointers.send({ type: 'moved', data: { x: 10, y: 20 } });
 * const stop = pointers.subscribe(() => draw(pointers.getSnapshot()));
 * ```
 */
export function ephemeralOf<Events extends EventSchemas>(
  client: Client,
  channel: EphemeralChannel<Events>,
): ChannelEphemeral<EphemeralInput<Events>, EphemeralOf<Events>> {
  const byName = made.get(client) ?? new Map<string, ErasedEphemeral>();
  made.set(client, byName);
  const ephemeral = byName.get(channel.name) ?? createChannelEphemeral(client, channel);
  byName.set(channel.name, ephemeral);
  return typed(ephemeral);
}

/** Each event was checked by its contract, whose types the compiler cannot know here. */
function typed<Input, Event>(ephemeral: unknown): ChannelEphemeral<Input, Event> {
  return ephemeral as ChannelEphemeral<Input, Event>;
}

function createChannelEphemeral(
  client: Client,
  { name, contract: { ephemeral, ephemeralForMs } }: EphemeralChannel<EventSchemas>,
): ErasedEphemeral {
  const session = liveSessionOf(client);
  const { host } = session;
  const { now, setTimer } = host.request.host;
  const schemas: EventSchemas = ephemeral ?? {};
  const listeners = new Set<() => void>();
  const throttles = new Map<string, Throttle<unknown>>();
  /** By session and kind, oldest first. */
  const current = new Map<string, Seen>();
  let snapshot: readonly Seen[] | null = NONE;
  let stop: (() => void) | null = null;
  let cancelExpiry = (): void => undefined;

  function schemaOf(type: string): StandardSchema | undefined {
    return Object.hasOwn(schemas, type) ? schemas[type] : undefined;
  }

  function pass(type: string, data: unknown): void {
    const link = host.link();
    if (link?.isDuplex === true)
      link.send({ type: 'ephemeral', channel: name, event: { type, data } });
    else if (link !== null) postEvent(type, data).catch(fail);
  }

  async function postEvent(type: string, data: unknown): Promise<void> {
    const { request, tokens } = host;
    const token = await tokens.get();
    const controller = new AbortController();
    const cancel = setTimer(() => controller.abort(), ANSWER_WITHIN_MS);
    try {
      const events = [{ channel: name, event: { type, data } }];
      const body = JSON.stringify({ session: host.session, events });
      const response = await post(request, 'ephemeral', { body, token, signal: controller.signal });
      await response.text();
    } finally {
      cancel();
    }
  }

  function fail(thrown: unknown): void {
    host.call(() => {
      throw toMillraceError(thrown);
    });
  }

  function throttleOf(type: string): Throttle<unknown> {
    const throttle =
      throttles.get(type) ??
      createThrottle({
        now,
        setTimer,
        everyMs: () =>
          host.link()?.isDuplex === false ? SEND_EVERY_MS.posted : SEND_EVERY_MS.duplex,
        pass: (data: unknown) => pass(type, data),
      });
    throttles.set(type, throttle);
    return throttle;
  }

  function read(frame: ChannelFrame): void {
    if (frame.type !== 'ephemeral') return;
    if ('error' in frame) {
      fail(frame.error);
      return;
    }
    let hasNews = false;
    for (const event of frame.events) hasNews = take(event) || hasNews;
    if (hasNews) show();
  }

  /** Whether it is one of others, and of a kind that is known here. */
  function take({ type, data, from }: EphemeralEvent): boolean {
    if (from !== null && from.session === session.you()?.session) return false;
    const schema = schemaOf(type);
    if (schema === undefined) return false;
    const checked = checkSchema(schema, data);
    if ('problems' in checked) return false;
    const key = `${from?.session ?? ''} ${type}`;
    // Behind the others: the oldest stands first.
    current.delete(key);
    current.set(key, { type, data: checked.value, from, at: now() });
    return true;
  }

  function show(): void {
    cancelExpiry();
    const [oldest] = current.values();
    if (oldest !== undefined) {
      const leftMs = oldest.at + ephemeralForMs - now();
      cancelExpiry = setTimer(expire, Math.max(0, leftMs));
    }
    snapshot = null;
    for (const listener of [...listeners]) if (listeners.has(listener)) host.call(listener);
  }

  function expire(): void {
    for (const [key, { at }] of current) if (at + ephemeralForMs <= now()) current.delete(key);
    show();
  }

  function start(): () => void {
    const place = session.place(name);
    const unlisten = place.listen(read);
    place.want({ ephemeral: true });
    return () => {
      unlisten();
      session.place(name).want({ ephemeral: false });
      cancelExpiry();
      current.clear();
      snapshot = NONE;
    };
  }

  return {
    send({ type, data }) {
      const schema = schemaOf(type);
      if (schema === undefined) {
        throw new MillraceError('contract/unknown-event', `"${name}" has no ephemeral "${type}".`);
      }
      const checked = checkSchema(schema, data);
      if ('problems' in checked) {
        const text = `Not a "${type}" of "${name}": ${checked.problems.join('; ')}`;
        throw new MillraceError('contract/invalid-event', text);
      }
      throttleOf(type).push(data);
    },
    subscribe(listener) {
      // A function of its own: the same listener may subscribe twice.
      const own = (): void => listener();
      listeners.add(own);
      stop ??= start();
      return () => {
        listeners.delete(own);
        if (listeners.size > 0) return;
        stop?.();
        stop = null;
      };
    },
    getSnapshot() {
      snapshot ??= [...current.values()];
      return snapshot;
    },
    you: session.you,
  };
}

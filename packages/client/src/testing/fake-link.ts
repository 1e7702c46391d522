// A hub in memory behind a WebSocket that is none: for tests of hooks and pages that need a real client and no
// server. Keeps what is emitted per channel, so that a client that was cut off catches up as it would for real.

import type {
  Channel,
  Cursor,
  EventInput,
  EventSchemas,
  MillraceError,
  Verdict,
} from '@millrace/protocol';
import {
  type ClientFrame,
  type EphemeralEvent,
  encodeServerFrame,
  type LiveFrame,
  type PresenceItem,
  type PresentMember,
  parseClientFrame,
  type ServerFrame,
  type SubscribeItem,
} from '@millrace/protocol/wire';
import { type ErasedContract, erase } from '../channel-codec.ts';
import type { ClientOptions } from '../client-types.ts';
import type { Socket } from '../transports/transport.ts';
import { createFakeLog, type FakeLog } from './fake-log.ts';
import { createFakeRoom, FAKE_YOU, type FakeRoom } from './fake-room.ts';

export interface FakeLinkOptions {
  /** Answer each `connect` at once (default), or only at `accept()`. */
  readonly isAutomatic?: boolean;
  /** How long it says that who merely broke off stays present, ms. Default 5,000. */
  readonly leaveAfterMs?: number;
}

export interface FakeLink {
  /** Give these to `createClient`. */
  readonly options: Pick<ClientOptions, 'url' | 'transports' | 'environment'>;
  /** Answers the waiting `connect`, and every later one until the next `hold()`. */
  accept(): void;
  /** Leaves further `connect`s without an answer. */
  hold(): void;
  /** Ends the link, or the waiting attempt, with this error, as a server would. */
  refuse(error: MillraceError): void;
  /**
   * Appends an event and sends it to those who subscribed; returns its cursor. A contract's state is folded: later
   * subscriptions begin with it.
   */
  emit<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    event: EventInput<Events>,
  ): Cursor;
  /** For a contract with state: what later subscriptions get as their snapshot in place of what was folded, and sends it now. */
  setState<Events extends EventSchemas, State>(channel: Channel<Events, State>, state: State): void;
  /** Sends a verdict, and gives it to later subscriptions of the channel if it refuses. */
  verdict(channel: { readonly name: string }, verdict: Verdict): void;
  end(channel: { readonly name: string }): void;
  /** These are present in the channel, besides the client's own session, which is the member `me`. */
  setMembers(channel: { readonly name: string }, members: readonly PresentMember[]): void;
  /** Sends an ephemeral event to the client, if it reads those of the channel. */
  pass(channel: { readonly name: string }, event: EphemeralEvent): void;
  /** A frame of presence or of ephemeral events, as the server would send it now. */
  sendLive(frame: LiveFrame): void;
  /** Any frame, as the server would send it now. */
  send(frame: ServerFrame): void;
  /** Any text, also what is no frame. */
  sendText(text: string): void;
  /** Drops the link without a word; the client opens another one. */
  cut(): void;
  /** Every frame that the client sent, oldest first. */
  readonly sent: readonly ClientFrame[];
}

export function createFakeLink(options: FakeLinkOptions = {}): FakeLink {
  const { isAutomatic = true, leaveAfterMs = 5_000 } = options;
  const logs = new Map<string, FakeLog>();
  const rooms = new Map<string, FakeRoom>();
  const sent: ClientFrame[] = [];
  const subscribed = new Set<string>();
  let isAccepting = isAutomatic;
  let socket: FakeSocket | null = null;
  let waiting: Extract<ClientFrame, { type: 'connect' }> | null = null;

  class FakeSocket implements Socket {
    onopen: ((event: never) => void) | null = null;
    onmessage: ((event: never) => void) | null = null;
    onclose: ((event: never) => void) | null = null;
    onerror: ((event: never) => void) | null = null;

    constructor() {
      queueMicrotask(() => this.onopen?.({} as never));
    }

    send(text: string): void {
      const frame = parseClientFrame(text);
      if (frame === null) return;
      sent.push(frame);
      // A server never answers within the call.
      queueMicrotask(() => receive(this, frame));
    }

    close(): void {
      if (socket === this) forgetSocket();
    }
  }

  function forgetSocket(): void {
    socket = null;
    waiting = null;
    subscribed.clear();
    for (const room of rooms.values()) room.unlink();
  }

  function tell(frame: ServerFrame): void {
    socket?.onmessage?.({ data: encodeServerFrame(frame) } as never);
  }

  function tellLive(frames: readonly LiveFrame[]): void {
    for (const frame of frames) tell({ type: 'other', frame: { ...frame } });
  }

  function roomOf(channel: string): FakeRoom {
    const room = rooms.get(channel) ?? createFakeRoom(channel, leaveAfterMs);
    rooms.set(channel, room);
    return room;
  }

  function answerPresence(items: readonly PresenceItem[]): void {
    if (items.length > 0) tellLive([{ type: 'you', ...FAKE_YOU }]);
    for (const item of items) tellLive(roomOf(item.channel).want(item));
  }

  function logOf(channel: string): FakeLog {
    const log = logs.get(channel) ?? createFakeLog();
    logs.set(channel, log);
    return log;
  }

  function receive(from: FakeSocket, frame: ClientFrame): void {
    switch (frame.type) {
      case 'connect':
        socket = from;
        subscribed.clear();
        waiting = frame;
        if (isAccepting) answerConnect();
        return;
      case 'subscribe':
        if (from === socket) frame.channels.forEach(answer);
        return;
      case 'unsubscribe':
        for (const channel of frame.channels) subscribed.delete(channel);
        return;
      case 'publish':
        tell({
          type: 'published',
          id: frame.id,
          results: frame.events.map(({ channel, event }) => ({ cursor: append(channel, event) })),
        });
        return;
      case 'presence':
        if (from === socket) answerPresence(frame.channels);
        return;
      case 'probe':
        tell({ type: 'beat', at: Date.now() });
        return;
      case 'ephemeral':
      case 'token':
        return;
    }
  }

  function answerConnect(): void {
    const connect = waiting;
    if (connect === null) return;
    waiting = null;
    tell({ type: 'hello', protocol: 1, at: Date.now(), beatMs: 20_000, identity: null });
    connect.channels.forEach(answer);
    answerPresence(connect.presence ?? []);
  }

  function answer({ channel, start }: SubscribeItem): void {
    const log = logOf(channel);
    const verdict = log.verdict(start);
    tell({ type: 'verdict', channel, ...verdict });
    if (!('cursor' in verdict)) return;
    subscribed.add(channel);
    const events = log.after(verdict.cursor.offset);
    if (events.length > 0) tell({ type: 'events', channel, events });
    const ended = log.endedAt();
    if (ended !== null) tell({ type: 'end', channel, cursor: ended });
  }

  function append(
    channel: string,
    event: { readonly type: string; readonly data: unknown; readonly id?: string | undefined },
  ): Cursor {
    const entry = logOf(channel).append(event);
    if (subscribed.has(channel)) tell({ type: 'events', channel, events: [entry.event] });
    return entry.cursor;
  }

  /** Who comes later gets the state up to here, as from a hub. */
  function foldState(channel: string, { state, version }: ErasedContract): void {
    const log = logOf(channel);
    const event = log.last();
    if (state === undefined || event === null) return;
    log.setState(state.reduce(log.state() ?? state.initial, event), version);
  }

  function drop(error: MillraceError | null): void {
    const dropped = socket;
    if (error !== null) tell({ type: 'error', error });
    forgetSocket();
    dropped?.onclose?.({ code: 1006, reason: '' } as never);
  }

  return {
    options: {
      url: 'http://fake.invalid/realtime',
      transports: ['websocket'],
      // No jitter: a client that was cut off comes back at once.
      environment: { WebSocket: FakeSocket, random: () => 0 },
    },
    accept() {
      isAccepting = true;
      answerConnect();
    },
    hold() {
      isAccepting = false;
    },
    refuse: drop,
    emit: ({ name, contract }, event) => {
      const cursor = append(name, event);
      foldState(name, erase(contract));
      return cursor;
    },
    setState({ name, contract }, state) {
      const verdict = logOf(name).setState(state, contract.version);
      if (subscribed.has(name)) tell({ type: 'verdict', channel: name, ...verdict });
    },
    verdict({ name }, verdict) {
      logOf(name).refuseWith('error' in verdict ? verdict : null);
      tell({ type: 'verdict', channel: name, ...verdict });
    },
    end({ name }) {
      const cursor = logOf(name).end();
      if (subscribed.has(name)) tell({ type: 'end', channel: name, cursor });
    },
    setMembers: ({ name }, members) => tellLive(roomOf(name).setMembers(members)),
    pass({ name }, event) {
      if (roomOf(name).isReading) {
        tellLive([{ type: 'ephemeral', channel: name, events: [event] }]);
      }
    },
    sendLive: (frame) => tellLive([frame]),
    send: tell,
    sendText: (text) => socket?.onmessage?.({ data: text } as never),
    cut: () => drop(null),
    sent,
  };
}

// One link as its owner sees it: token, `connect`, the bound on `hello`, liveness; then frames.
// A shell over a transport and the liveness machine. Rules: LINK-1, LINK-3, LINK-6, CLI-9, CLI-10.

import { MillraceError, toMillraceError } from '@millrace/protocol';
import {
  BEAT_GRACE_MS,
  type ClientFrame,
  type ConnectFrame,
  type ServerFrame,
} from '@millrace/protocol/wire';
import type { LinkRef } from './connection-types.ts';
import { type Liveness, type LivenessEvent, startLiveness, stepLiveness } from './liveness.ts';
import type { Wired } from './subscriptions.ts';
import type { TokenSource } from './token.ts';
import { pollBeatMs } from './transports/poll.ts';
import type { LinkRequest, Transport, TransportLink } from './transports/transport.ts';

/** How long an attempt may take until its `hello`. */
const HELLO_WITHIN_MS = 10_000;
const FAST_BEAT_MS = 3_000;
const FAST_GRACE_MS = 2_500;
/** A link that cannot be probed is taken as alive after a wake if something came within this time. */
const SILENT_MS = 2_000;

export interface LinkOptions {
  readonly ref: LinkRef;
  readonly transport: Transport;
  readonly request: Omit<LinkRequest, 'connect'>;
  /** What `createClient` was asked for. */
  readonly beatMs: number | undefined;
  readonly tokens: Pick<TokenSource, 'get'>;
  /** The frame as of now; what it asks for is noted in `wired`. */
  connectFrame(number: number, token: string | null, wired: Wired): ConnectFrame;
}

export type CarriedFrame = Exclude<ServerFrame, { readonly type: 'hello' | 'beat' }>;

export interface LinkEvents {
  hello(tookMs: number, serverAt: number): void;
  /** One that is not the link's own affair. */
  frame(frame: CarriedFrame): void;
  failed(error: MillraceError): void;
}

export interface Link {
  readonly ref: LinkRef;
  readonly isDuplex: boolean;
  /** The channels that this link carries. */
  readonly wired: Wired;
  /** From `connect` to `hello`; null before. */
  latencyMs(): number | null;
  send(frame: ClientFrame): void;
  /**
   * The page woke up. A duplex link is probed: a silent one fails within a second. Another one is doubtful if it
   * was silent for a while, and its owner opens the next.
   */
  isDoubtfulAfterWake(): boolean;
  close(): void;
}

export function openLink(options: LinkOptions, events: LinkEvents): Link {
  const { ref, transport, request } = options;
  const { carrier, isDuplex } = transport;
  const { now, setTimer } = request.host;
  const wired: Wired = new Map();
  const startedAt = now();
  let connectAt = startedAt;
  let latencyMs: number | null = null;
  let carried: TransportLink | null = null;
  let liveness: Liveness | null = null;
  let isClosed = false;
  let cancelTimer = setTimer(() => {
    fail(new MillraceError('link/refused', 'No answer in time.'));
  }, HELLO_WITHIN_MS);

  function close(): void {
    isClosed = true;
    cancelTimer();
    carried?.close();
  }

  function fail(error: MillraceError): void {
    if (isClosed) return;
    close();
    events.failed(error);
  }

  function live(event: LivenessEvent): void {
    if (isClosed || liveness === null) return;
    const { probeUntil, tickDueAt } = liveness;
    const isProbe = probeUntil !== null;
    const step = stepLiveness(liveness, event, now());
    liveness = step.liveness;
    if (step.verdict === 'dead') {
      fail(
        new MillraceError('link/no-beat', 'Nothing came for too long.', { details: { isProbe } }),
      );
    } else if (step.verdict === 'buffered' && carrier !== 'poll') {
      fail(new MillraceError('link/buffered', 'A proxy holds back the stream.'));
    } else {
      if (step.verdict === 'probe') carried?.send({ type: 'probe' });
      // A timer may fire a moment before its time: the tick that came too early must not have been the last.
      if (event.type === 'tick' || liveness.tickDueAt !== tickDueAt) armTick(liveness);
    }
  }

  function armTick({ tickDueAt }: Liveness): void {
    cancelTimer();
    cancelTimer = setTimer(() => live({ type: 'tick' }), tickDueAt - now());
  }

  function readFrame(frame: ServerFrame): void {
    if (frame.type === 'beat') return live({ type: 'beat', at: frame.at });
    if (isClosed) return;
    if (frame.type === 'error' && frame.id === undefined) {
      fail(frame.error);
    } else if (frame.type !== 'hello') {
      events.frame(frame);
    } else if (liveness === null) {
      // A poll is not beaten: its hold stands for the beat.
      const beatMs = carrier === 'poll' ? pollBeatMs(options.beatMs) : frame.beatMs;
      const graceMs = beatMs <= FAST_BEAT_MS ? FAST_GRACE_MS : BEAT_GRACE_MS;
      liveness = startLiveness(now(), beatMs + graceMs);
      latencyMs = now() - connectAt;
      armTick(liveness);
      events.hello(now() - startedAt, frame.at);
    }
  }

  async function start(): Promise<void> {
    const token = await options.tokens.get();
    if (isClosed) return;
    carried = transport.open(
      {
        ...request,
        connect() {
          connectAt = now();
          return options.connectFrame(ref.number, token, wired);
        },
      },
      { bytes: () => live({ type: 'byte' }), frame: readFrame, closed: fail },
    );
  }

  start().catch((thrown: unknown) => fail(toMillraceError(thrown)));
  return {
    ref,
    isDuplex,
    wired,
    latencyMs: () => latencyMs,
    send: (frame) => carried?.send(frame),
    isDoubtfulAfterWake() {
      live({ type: isDuplex ? 'probe' : 'wake' });
      return !isDuplex && liveness !== null && now() - liveness.lastByteAt > SILENT_MS;
    },
    close,
  };
}

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
import type { Environment } from './environment.ts';
import { type Liveness, type LivenessEvent, startLiveness, stepLiveness } from './liveness.ts';
import type { Wired } from './subscriptions.ts';
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
  readonly environment: Environment;
  readonly url: string;
  readonly credentials: RequestCredentials;
  readonly beatMs: number | undefined;
  getToken(): Promise<string | null>;
  /** The frame as of now; what it asks for is noted in `wired`. */
  connectFrame(number: number, token: string | null, wired: Wired): ConnectFrame;
}

export interface LinkEvents {
  /** `latencyMs`: from `connect` to `hello`. */
  hello(tookMs: number, latencyMs: number, serverAt: number): void;
  frame(frame: ServerFrame): void;
  failed(error: MillraceError): void;
}

export interface Link {
  readonly ref: LinkRef;
  readonly isDuplex: boolean;
  /** The channels that this link carries. */
  readonly wired: Wired;
  send(frame: ClientFrame): void;
  /**
   * The page woke up. A duplex link is probed: a silent one fails within a second. Of another one that was
   * silent for a while this says so, and its owner opens the next.
   */
  wake(): 'fine' | 'doubtful';
  close(): void;
}

export function openLink(options: LinkOptions, events: LinkEvents): Link {
  const { ref, transport, environment } = options;
  const { now } = environment;
  const wired: Wired = new Map();
  const startedAt = now();
  let connectAt = startedAt;
  let carried: TransportLink | null = null;
  let liveness: Liveness | null = null;
  let isClosed = false;
  let cancelTimer = environment.setTimer(() => {
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
    const wasProbing = liveness.probeUntil !== null;
    const step = stepLiveness(liveness, event, now());
    liveness = step.liveness;
    if (step.verdict === 'dead') {
      const details = wasProbing ? { details: { isProbe: true } } : {};
      fail(new MillraceError('link/no-beat', 'Nothing came for too long.', details));
    } else if (step.verdict === 'buffered' && ref.carrier !== 'poll') {
      fail(new MillraceError('link/buffered', 'A proxy holds back the stream.'));
    } else if (step.verdict === 'probe') {
      carried?.send({ type: 'probe' });
    }
    if (event.type !== 'byte' && event.type !== 'beat') armTick();
  }

  function armTick(): void {
    cancelTimer();
    if (isClosed || liveness === null) return;
    cancelTimer = environment.setTimer(() => live({ type: 'tick' }), liveness.tickDueAt - now());
  }

  function readFrame(frame: ServerFrame): void {
    if (frame.type === 'beat') live({ type: 'beat', at: frame.at });
    if (isClosed) return;
    if (frame.type !== 'hello') {
      events.frame(frame);
    } else if (liveness === null) {
      const { beatMs } = options;
      const silenceMs = silenceOf(transport, frame.beatMs, beatMs);
      const arrivedAt = now();
      liveness = startLiveness(arrivedAt, silenceMs);
      armTick();
      events.hello(arrivedAt - startedAt, arrivedAt - connectAt, frame.at);
    }
  }

  async function start(): Promise<void> {
    const token = await options.getToken();
    if (isClosed) return;
    const request: LinkRequest = {
      url: options.url,
      credentials: options.credentials,
      host: environment,
      connect() {
        connectAt = now();
        return options.connectFrame(ref.number, token, wired);
      },
    };
    carried = transport.open(request, {
      bytes: () => live({ type: 'byte' }),
      frame: readFrame,
      closed: fail,
    });
  }

  start().catch((thrown: unknown) => fail(toMillraceError(thrown)));
  return {
    ref,
    isDuplex: transport.isDuplex,
    wired,
    send: (frame) => carried?.send(frame),
    wake() {
      live({ type: transport.isDuplex ? 'probe' : 'wake' });
      const isSilent = liveness !== null && now() - liveness.lastByteAt > SILENT_MS;
      return isSilent && !transport.isDuplex ? 'doubtful' : 'fine';
    },
    close,
  };
}

/** Beat and grace. A poll is not beaten: its hold stands for the beat. */
function silenceOf({ carrier }: Transport, beatMs: number, asked: number | undefined): number {
  const beat = carrier === 'poll' ? pollBeatMs(asked) : beatMs;
  return beat + (beat <= FAST_BEAT_MS ? FAST_GRACE_MS : BEAT_GRACE_MS);
}

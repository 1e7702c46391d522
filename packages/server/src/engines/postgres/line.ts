// A line: one session with the database, kept for hearing what other nodes tell and for telling them, and for nothing
// else. Runs what line-machine.ts decides. A ping is a notification to itself, so that it proves not only that the
// server is there, but that this session hears: a pooler that shares sessions swallows LISTEN without a word.
// Rules: LOG-7, LOG-16, BUS-1.

import { randomBytes } from 'node:crypto';
import { MillraceError } from '@millrace/protocol';
import { unavailable } from './engine-error.ts';
import { type LineEffect, type LineEvent, type LineState, lineStep } from './line-machine.ts';
import type { PgClient, PgNotification } from './pool.ts';
import { createStatements, type Statements } from './statements.ts';
import { within } from './within.ts';

/** Who hears. Must not throw. */
export interface Ear {
  heard(channel: string, payload: string): void;
  /** From now on it hears, and may have missed something before. */
  missed(): void;
}

export interface Told {
  readonly channel: string;
  /** Shorter than 8,000 bytes. */
  readonly payload: string;
}

export interface Line {
  /** In one statement, in this order. Rejects while there is no session, and where it fails the session is made again. */
  tell(messages: readonly Told[]): Promise<void>;
  /** Resolves once it hears; rejects with `engine/unavailable` where that takes too long. */
  up(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** A connected client, and what gives it up for good. */
export interface LineSeat {
  readonly client: PgClient;
  readonly leave: () => void;
}

export interface LineOptions {
  readonly connect: () => Promise<LineSeat>;
  /** Names of a–z, 0–9 and _. */
  readonly channels: readonly string[];
  readonly ear: Ear;
  readonly answerWithinMs: number;
  readonly onError: (error: MillraceError) => void;
  /** Default 5,000. */
  readonly pingEveryMs?: number;
}

/** With the time for its answer, a session that hears no more is noticed within 9 s. */
const PING_EVERY_MS = 5_000;
const PONG_WITHIN_MS = 4_000;

interface Session {
  readonly seat: LineSeat;
  readonly statements: Statements;
}

export function createLine(options: LineOptions): Line {
  const { connect, channels, ear, answerWithinMs, onError, pingEveryMs = PING_EVERY_MS } = options;
  const pingChannel = `millrace_ping_${randomBytes(8).toString('hex')}`;
  const pongMs = Math.min(PONG_WITHIN_MS, answerWithinMs);
  let state: LineState = { status: 'connecting', number: 1, failures: 0 };
  let session: Session | null = null;
  let timer: NodeJS.Timeout | undefined;
  let opening = nextOpening();
  let ponged: () => void = () => undefined;
  let cause: unknown = null;

  function dispatch(event: LineEvent): void {
    const step = lineStep(state, event);
    state = step.state;
    for (const effect of step.effects) run(effect);
  }

  function run(effect: LineEffect): void {
    switch (effect.type) {
      case 'connect':
        void open(effect.number);
        break;
      case 'opened':
        pingLater();
        opening.resolve();
        ear.missed();
        break;
      case 'drop':
        clearTimeout(timer);
        session?.seat.leave();
        session = null;
        opening.reject(unavailable('There is no session with the database.'));
        opening = nextOpening();
        break;
      case 'wait':
        timer = setTimeout(() => dispatch({ type: 'due', number: effect.number }), effect.ms);
        break;
      case 'report':
        onError(unavailable('Other nodes are not heard for the moment; it is tried again.', cause));
        break;
    }
  }

  function broke(number: number, reason: unknown): void {
    cause = reason;
    dispatch({ type: 'broke', number, random: Math.random() });
  }

  async function open(number: number): Promise<void> {
    try {
      const seat = await connect();
      if (state.status !== 'connecting' || state.number !== number) {
        seat.leave();
        return;
      }
      const { client } = seat;
      const statements = createStatements(client, answerWithinMs);
      session = { seat, statements };
      client.on('notification', (message) => hear(number, message));
      client.on('error', (error) => broke(number, error));
      client.on('end', () => broke(number, unavailable('The connection ended.')));
      await statements.query([...channels, pingChannel].map((one) => `listen "${one}"`).join('; '));
      await ping(statements);
      dispatch({ type: 'connected', number });
    } catch (thrown) {
      broke(number, thrown);
    }
  }

  function hear(number: number, { channel, payload = '' }: PgNotification): void {
    if (state.status === 'closed' || state.number !== number) return;
    if (channel === pingChannel) ponged();
    else ear.heard(channel, payload);
  }

  async function ping(statements: Statements): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    ponged = resolve;
    await statements.query('select pg_notify($1, $2)', [pingChannel, ''], pongMs);
    await within(pongMs, promise).catch((thrown: unknown) => {
      throw unavailable(
        'The session hears nothing, not even itself. Is there a pooler between that shares sessions? Then give `connectListener`.',
        thrown,
      );
    });
  }

  function pingLater(): void {
    timer = setTimeout(() => void pingNow(), pingEveryMs);
  }

  async function pingNow(): Promise<void> {
    if (state.status !== 'open' || session === null) return;
    const { number } = state;
    try {
      await ping(session.statements);
      dispatch({ type: 'proved', number });
      if (isOpen(number)) pingLater();
    } catch (thrown) {
      broke(number, thrown);
    }
  }

  function isOpen(number: number): boolean {
    return state.status === 'open' && state.number === number;
  }

  void open(1);

  async function up(): Promise<void> {
    if (state.status === 'open') return;
    if (state.status === 'closed') {
      throw new MillraceError('engine/closed', 'This engine is closed. Create a new one.');
    }
    await within(answerWithinMs, opening.promise);
  }

  return {
    async tell(messages) {
      // The first connection is waited for, a broken one not.
      if (state.status === 'connecting' && state.failures === 0) await up();
      if (state.status !== 'open' || session === null) {
        throw unavailable('Other nodes cannot be told at the moment.');
      }
      const { number } = state;
      const { statements } = session;
      try {
        await statements.query(TELL, [
          messages.map(({ channel }) => channel),
          messages.map(({ payload }) => payload),
        ]);
      } catch (thrown) {
        // Whatever it was: whoever tells counts on being told when to go on.
        broke(number, thrown);
        throw thrown;
      }
    },
    up,
    async close() {
      dispatch({ type: 'close' });
    },
  };
}

const TELL =
  'select pg_notify(channel, payload) from unnest($1::text[], $2::text[]) as told (channel, payload)';

function nextOpening(): PromiseWithResolvers<void> {
  const opening = Promise.withResolvers<void>();
  // Nobody may be waiting for it.
  opening.promise.catch(() => undefined);
  return opening;
}

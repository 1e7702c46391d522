// The window: what leaves when, on a clock that the test moves.

import { MillraceError } from '@millrace/protocol';
import type { RunWrite } from '@millrace/protocol/runs';
import { describe, expect, test } from 'vitest';
import { createWindow, type Window } from './window.ts';

const EVERY_MS = 30;

interface Bed {
  readonly window: Window;
  /** Batches as they were appended: number of the first, and the events in short. */
  readonly appended: string[];
  readonly closedBy: string[];
  advance(ms: number): Promise<void>;
  /** Of the appends to come, in order; then they succeed at once. */
  readonly outcomes: (MillraceError | Promise<void>)[];
}

function open(everyMs = EVERY_MS): Bed {
  const appended: string[] = [];
  const closedBy: string[] = [];
  const outcomes: (MillraceError | Promise<void>)[] = [];
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  let now = 0;
  function after(delayMs: number, run: () => void): () => void {
    const timer = { at: now + delayMs, run };
    timers.add(timer);
    return () => timers.delete(timer);
  }
  const window = createWindow({
    everyMs,
    retryMs: () => 100,
    now: () => now,
    tick: (run) => after(everyMs - (now % everyMs), run),
    after,
    async append(events, first) {
      const outcome = outcomes.shift();
      appended.push(`${first}: ${events.map(short).join(' ')}`);
      if (outcome instanceof MillraceError) throw outcome;
      await outcome;
    },
    onClosed: ({ code }) => closedBy.push(code),
  });
  return {
    ...{ window, appended, closedBy, outcomes },
    async advance(ms) {
      await settle();
      for (const until = now + ms; now < until; ) {
        now += 1;
        for (const timer of [...timers]) {
          if (timer.at > now) continue;
          timers.delete(timer);
          timer.run();
        }
        await settle();
      }
    },
  };
}

/** Whatever can go on without time goes on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

function short({ type, data }: RunWrite): string {
  return 'text' in data ? data.text : type;
}

function said(text: string, part = 1): RunWrite {
  return { type: 'text-delta', data: { part, text } };
}

const ended: RunWrite = { type: 'text-end', data: { part: 1, provider: null } };
const called: RunWrite = {
  type: 'tool-call',
  data: { part: 2, callId: 'c', name: 'n', isRemote: false, input: 1, provider: null },
};

describe('the window of a run', () => {
  test('RUN-4: the first token leaves at once, later ones together within the window', async () => {
    const { window, appended, advance } = open();
    window.write([said('a')]);
    await advance(0);
    expect(appended).toEqual(['1: a']);
    window.write([said('b')]);
    await advance(10);
    window.write([said('c'), ended]);
    await advance(19);
    expect(appended).toHaveLength(1);
    await advance(1);
    expect(appended).toEqual(['1: a', '2: bc text-end']);
  });

  test('RUN-4: the first words of a part leave at once, though its step has just begun', async () => {
    const { window, appended, advance } = open();
    window.write([{ type: 'step-start', data: { part: 0 } }]);
    await advance(1);
    window.write([{ type: 'text-start', data: { part: 1 } }]);
    await advance(1);
    expect(appended).toEqual([]);
    window.write([said('a')]);
    await advance(0);
    expect(appended).toEqual(['1: step-start text-start a']);
    window.write([said('b')]);
    await advance(20);
    expect(appended).toHaveLength(1);
    await advance(10);
    expect(appended.at(-1)).toBe('4: b');
  });

  test('RUN-4: what only begins something leaves within the window, whatever follows', async () => {
    const { window, appended, advance } = open();
    window.write([{ type: 'step-start', data: { part: 0 } }]);
    await advance(EVERY_MS - 1);
    expect(appended).toEqual([]);
    await advance(1);
    expect(appended).toEqual(['1: step-start']);
  });

  test('RUN-4: where nothing is gathered what begins something leaves at once', async () => {
    const { window, appended, advance } = open(0);
    window.write([{ type: 'step-start', data: { part: 0 } }]);
    await advance(0);
    expect(appended).toEqual(['1: step-start']);
  });

  test('RUN-4: a call leaves with all before it, without waiting', async () => {
    const { window, appended, advance } = open();
    window.write([said('a')]);
    await advance(1);
    window.write([said('b')]);
    await advance(1);
    window.write([called]);
    await advance(0);
    expect(appended).toEqual(['1: a', '2: b tool-call']);
  });

  test('RUN-2: deltas of two parts are not joined, and long ones are cut between characters', async () => {
    const { window, appended, advance } = open();
    window.write([said('a', 1), said('b', 2), said('c', 2), said('d', 1)]);
    await advance(0);
    expect(appended).toEqual(['1: a bc d']);
    const long = `${'x'.repeat(7_999)}😀${'y'.repeat(9_000)}`;
    window.write([said(long)]);
    await window.flushed();
    const pieces = appended[1]?.slice('4: '.length).split(' ') ?? [];
    expect(pieces.join('')).toBe(long);
    expect(pieces.map(({ length }) => length)).toEqual([7_999, 8_000, 1_002]);
    expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
  });

  test('RUN-4: one batch at a time; what comes meanwhile is the next', async () => {
    const { window, appended, advance, outcomes } = open();
    const slow = Promise.withResolvers<void>();
    outcomes.push(slow.promise);
    window.write([said('a')]);
    await advance(50);
    window.write([said('b')]);
    window.write([said('c')]);
    await advance(50);
    expect(appended).toEqual(['1: a']);
    expect(window.waiting).toBe(2);
    slow.resolve();
    await advance(0);
    expect(appended).toEqual(['1: a', '2: bc']);
  });

  test('RUN-5: a batch without an answer is repeated under its numbers', async () => {
    const { window, appended, advance, outcomes } = open();
    const away = new MillraceError('engine/unavailable', 'away');
    outcomes.push(away, away);
    window.write([said('a'), called]);
    await advance(0);
    window.write([said('b')]);
    await advance(220);
    await window.flushed();
    expect(appended).toEqual(['1: a tool-call', '1: a tool-call', '1: a tool-call', '3: b']);
  });

  test('RUN-5: an owner that was replaced writes no more, and is told once', async () => {
    const { window, appended, advance, closedBy, outcomes } = open();
    outcomes.push(new MillraceError('publish/fenced', 'somebody took over'));
    window.write([said('a')]);
    await advance(0);
    window.write([called]);
    await advance(100);
    expect(appended).toHaveLength(1);
    expect(closedBy).toEqual(['publish/fenced']);
    await expect(window.flushed()).rejects.toMatchObject({ code: 'publish/fenced' });
  });

  test('RUN-4: whoever waits for all of it waits for no window', async () => {
    const { window, appended } = open();
    window.write([said('a')]);
    await window.flushed();
    window.write([said('b')]);
    await window.flushed();
    await window.flushed();
    expect(appended).toEqual(['1: a', '2: b']);
  });

  test('RUN-4: nothing written is nothing to wait for', async () => {
    const { window, appended } = open();
    window.write([]);
    await window.flushed();
    expect(appended).toEqual([]);
  });

  test('RUN-4: closed, it gives up what waits', async () => {
    const { window, appended, advance, closedBy } = open();
    window.write([said('a')]);
    await advance(1);
    window.write([said('b')]);
    window.close();
    window.close();
    await advance(100);
    expect(appended).toEqual(['1: a']);
    expect(closedBy).toEqual([]);
  });
});

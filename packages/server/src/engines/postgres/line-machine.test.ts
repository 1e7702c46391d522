// What a line does when its connection comes and goes. Rules: LOG-7, LOG-16.

import { expect, test } from 'vitest';
import { type LineEvent, type LineState, lineStep } from './line-machine.ts';

const connecting: LineState = { status: 'connecting', number: 1, failures: 0 };
const effectsOf = (state: LineState, event: LineEvent): string[] =>
  lineStep(state, event).effects.map(({ type }) => type);
const after = (state: LineState, ...events: LineEvent[]): LineState =>
  events.reduce((at, event) => lineStep(at, event).state, state);

test('LOG-7: each connection that opens says that something may have been missed', () => {
  const open = after(connecting, { type: 'connected', number: 1 });
  expect(effectsOf(connecting, { type: 'connected', number: 1 })).toEqual(['opened']);
  const second = after(open, { type: 'broke', number: 1, random: 0 }, { type: 'due', number: 1 });
  expect(second).toEqual({ status: 'connecting', number: 2, failures: 1 });
  expect(effectsOf(second, { type: 'connected', number: 2 })).toEqual(['opened']);
});

test('LOG-16: a break is reported once for each outage, and waits longer each time until it has proved itself', () => {
  const waits: number[] = [];
  const reports: number[] = [];
  let state: LineState = connecting;
  for (let number = 1; number <= 12; number += 1) {
    const step = lineStep(state, { type: 'broke', number, random: 1 });
    for (const effect of step.effects) {
      if (effect.type === 'wait') waits.push(effect.ms);
      if (effect.type === 'report') reports.push(number);
    }
    state = after(step.state, { type: 'due', number });
    // Opening alone proves nothing: a server that drops each connection at once would be stormed.
    state = after(state, { type: 'connected', number: number + 1 });
    if (number === 10) state = after(state, { type: 'proved', number: number + 1 });
  }
  expect(waits).toEqual([300, 500, 900, 1_700, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 300, 500]);
  expect(reports).toEqual([1, 11]);
});

test('LOG-16: what concerns an earlier connection changes nothing', () => {
  const second: LineState = { status: 'open', number: 2, failures: 1 };
  const late: LineEvent[] = [
    { type: 'broke', number: 1, random: 0 },
    { type: 'connected', number: 1 },
    { type: 'proved', number: 1 },
    { type: 'due', number: 1 },
  ];
  for (const event of late) expect(lineStep(second, event)).toEqual({ state: second, effects: [] });
});

test('LOG-10: a closed line gives up its client and does nothing more', () => {
  for (const status of ['connecting', 'open', 'waiting'] as const) {
    const state: LineState = { status, number: 1, failures: 0 };
    expect(effectsOf(state, { type: 'close' })).toEqual(['drop']);
  }
  const closed = after(connecting, { type: 'close' });
  expect(effectsOf(closed, { type: 'connected', number: 1 })).toEqual([]);
  expect(effectsOf(closed, { type: 'close' })).toEqual([]);
});

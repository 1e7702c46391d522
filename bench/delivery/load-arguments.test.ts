import { expect, test } from 'vitest';
import { contestants } from './contestants.ts';
import { type Load, loadArguments } from './load-arguments.ts';
import { lossesOf, parseLoadLines } from './load-lines.ts';

const target = { label: 'x', ports: [1], controlPort: 2, pids: [7, 8], tokensFile: 'tokens' };
const load: Load = { connections: 10, phases: ['idle:2', 'max:3:8'] };

function valuesOf(args: readonly string[], name: string): (string | undefined)[] {
  return args.flatMap((arg, index) => (arg === `--${name}` ? [args[index + 1]] : []));
}

test('every option has a value, and phases keep their order', () => {
  for (const { speech } of Object.values(contestants)) {
    const args = loadArguments(speech(1), load, target);
    expect(args.length % 2).toBe(0);
    expect(args.filter((_, index) => index % 2 === 0).every((name) => name.startsWith('--'))).toBe(
      true,
    );
    expect(valuesOf(args, 'phase')).toEqual(['idle:2', 'max:3:8']);
    expect(valuesOf(args, 'pid')).toEqual(['7', '8']);
  }
});

test('a server publishes for itself, or the load client does, never both', () => {
  for (const { speech } of Object.values(contestants)) {
    const args = loadArguments(speech(1), load, target);
    expect(valuesOf(args, 'control').length + valuesOf(args, 'publish-path').length).toBe(1);
  }
});

test('only ours needs tokens, and only who comes back with cursors is tracked', () => {
  const { 'millrace-ws': ours, 'ws-naive': naive } = contestants;
  const storm: Load = { ...load, phases: ['storm'], missed: 3 };
  expect(valuesOf(loadArguments(ours.speech(1), load, target), 'tokens')).toEqual(['tokens']);
  expect(valuesOf(loadArguments(naive.speech(1), load, target), 'tokens')).toEqual([]);
  expect(valuesOf(loadArguments(ours.speech(1), load, target), 'track')).toEqual([]);
  expect(valuesOf(loadArguments(ours.speech(1), storm, target), 'track')).toEqual(['1']);
  expect(valuesOf(loadArguments(ours.speech(1), storm, target), 'missed')).toEqual(['3']);
  expect(valuesOf(loadArguments(naive.speech(1), storm, target), 'missed')).toEqual([]);
});

test('several servers are named one after the other', () => {
  const { speech } = contestants['millrace-ws'];
  const args = loadArguments(speech(1), load, { ...target, ports: [3, 4] });
  expect(valuesOf(args, 'port')).toEqual(['3', '4']);
});

test('a connection of five channels waits for five verdicts', () => {
  const args = loadArguments(contestants['millrace-ws'].speech(5), load, target);
  expect(valuesOf(args, 'expect')).toHaveLength(5);
});

test('losses are all that did not come once and in order, and connections that ended', () => {
  const lines = parseLoadLines(
    [
      '{"phase":"connect","live":1}',
      '{"phase":"max","gaps":1,"duplicates":2,"reordered":3,"closed":4}',
      '{"phase":"wave","gaps":0,"duplicates":0,"reordered":5}',
      '',
    ].join('\n'),
  );
  expect(lines).toHaveLength(3);
  expect(lossesOf(lines)).toBe(15);
});

test('a line that the load client would never print is an error', () => {
  expect(() => parseLoadLines('{"phase":"sleep"}')).toThrow(/printed/);
  expect(() => parseLoadLines('hello')).toThrow(SyntaxError);
});

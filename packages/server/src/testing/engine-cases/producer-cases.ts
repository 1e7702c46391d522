// Cases of producers: repeats, gaps, owners that were replaced. Rule: LOG-12.

import type { Producer } from '@millrace/protocol';
import { encodeEventBody } from '@millrace/protocol/wire';
import type { AppendEvent, AppendOutcome, Log } from '../../seams/log.ts';
import { assert, assertEqual } from '../check.ts';
import {
  accepted,
  appendOne,
  dataOf,
  type EngineCase,
  end,
  event,
  range,
  readAll,
} from './engine-case.ts';

export const producerCases: readonly EngineCase[] = [
  {
    rule: 'LOG-12',
    title: 'a repeat takes no offset and is answered with the last cursor and time of its producer',
    async run({ engine: { log } }) {
      const first = await log.append([by(1, 1), by(1, 2), by(1, 3)]);
      assertEqual<number[]>(offsetsOfAll(first), [1, 2, 3], 'the offsets');
      await appendOne(log, 'run', 'between');
      const again = await log.append([by(1, 3), by(1, 1)]);
      const last = first[2];
      assert(last !== undefined && 'cursor' in last, 'the last is accepted');
      for (const answer of again) {
        assertEqual<unknown>(answer, { ...last, isDuplicate: true }, 'the answer to a repeat');
      }
      assertEqual<number>(accepted((await log.append([by(1, 4)]))[0]).offset, 5, 'the next offset');
      const kept = ['1.1', '1.2', '1.3', 'between', '1.4'];
      assertEqual(dataOf(await readAll(log, 'run')), kept, 'what is kept');
    },
  },
  {
    rule: 'LOG-12',
    title: 'a jump is refused with the sequence that is next, and what is missing may follow',
    async run({ engine: { log } }) {
      await log.append([by(1, 1)]);
      const [jump] = await log.append([by(1, 3)]);
      assertRefused(jump, 'publish/sequence-gap', { expected: 2 });
      assertEqual(codesOf(await log.append([by(1, 2), by(1, 3)])), ['ok', 'ok'], 'what follows');
      assertEqual(dataOf(await readAll(log, 'run')), ['1.1', '1.2', '1.3'], 'what is kept');
    },
  },
  {
    rule: 'LOG-12',
    title:
      'who is not remembered, or has a newer epoch, begins at 1; what is refused shuts nobody out',
    async run({ engine: { log } }) {
      const [unknown] = await log.append([by(7, 2)]);
      assertRefused(unknown, 'publish/sequence-gap', { expected: 1 });
      assertEqual(codesOf(await log.append([by(7, 1)])), ['ok'], 'the first');
      const [newer] = await log.append([by(8, 2)]);
      assertRefused(newer, 'publish/sequence-gap', { expected: 1 });
      assertEqual(codesOf(await log.append([by(7, 2), by(8, 1)])), ['ok', 'ok'], 'old, then new');
      assertEqual(dataOf(await readAll(log, 'run')), ['7.1', '7.2', '8.1'], 'what is kept');
    },
  },
  {
    rule: 'LOG-12',
    title: 'an owner that was replaced is refused, also for what it repeats',
    async run({ engine: { log } }) {
      await log.append([by(1, 1), by(1, 2), by(2, 1)]);
      for (const late of await log.append([by(1, 3), by(1, 2), by(1, 1)])) {
        assertRefused(late, 'publish/fenced', { epoch: 2 });
      }
      assertEqual(codesOf(await log.append([by(2, 2)])), ['ok'], 'the new owner goes on');
      assertEqual(dataOf(await readAll(log, 'run')), ['1.1', '1.2', '2.1', '2.2'], 'what is kept');
    },
  },
  {
    rule: 'LOG-12',
    title: 'two owners that both believe in themselves never mix: each takes over, the other stops',
    async run({ engine: { log } }) {
      await Promise.all([own(log, 1), own(log, 2)]);
      const kept = dataOf(await readAll(log, 'run')).map(String);
      const epochs = kept.map((text) => Number(text.split('.')[0]));
      assertEqual(
        epochs,
        epochs.toSorted((one, other) => one - other),
        'the epochs in the order of the log',
      );
      for (const epoch of [1, 2]) {
        const sequences = kept.filter((text) => text.startsWith(`${epoch}.`));
        const expected = range(1, sequences.length).map((sequence) => `${epoch}.${sequence}`);
        assertEqual(sequences, expected, `the sequences of epoch ${epoch}`);
      }
      assertEqual(kept.at(-1), `2.${STEPS}`, 'the last event');
    },
  },
  {
    rule: 'LOG-12',
    title: 'a batch is judged in its order, each request after the ones before it',
    async run({ engine: { log } }) {
      const outcomes = await log.append([
        by(1, 1),
        event('run', 'plain'),
        by(1, 1),
        by(1, 3),
        by(1, 2, { producer: { id: 'other', epoch: 1, sequence: 1 } }),
        by(1, 2),
        by(2, 1),
        by(1, 3),
        by(1, 1, { channel: 'elsewhere' }),
        end('run'),
        by(2, 1),
        by(2, 2),
        by(2, 9),
        by(1, 9),
        event('run', 'late'),
      ]);
      const codes = [
        ...['ok', 'ok', 'repeat', 'publish/sequence-gap', 'ok', 'ok', 'ok', 'publish/fenced', 'ok'],
        ...['ok', 'repeat', 'channel/ended', 'channel/ended', 'publish/fenced', 'channel/ended'],
      ];
      assertEqual(codesOf(outcomes), codes, 'what became of each');
      assertEqual<number>(accepted(outcomes[2]).offset, 1, 'the offset of the repeat');
      assertEqual<number>(accepted(outcomes[9]).offset, 5, 'the last offset');
      assertEqual<number>(accepted(outcomes[10]).offset, 5, 'the offset of the later repeat');
      const page = await readAll(log, 'run');
      assertEqual(dataOf(page), ['1.1', 'plain', '1.2', '1.2', '2.1'], 'what is kept');
      assert(page.isEnded, 'the channel has ended');
      assertEqual(
        codesOf(await log.append([by(2, 1), by(2, 2)])),
        ['repeat', 'channel/ended'],
        'later',
      );
    },
  },
  {
    rule: 'LOG-12',
    title: 'a producer belongs to its channel, and any text can name one, a key of another too',
    async run({ engine: { log } }) {
      const names = ['k', 'K', ' ', "'", '\u0000', '\ud800', '\ud801', 'é', 'x'.repeat(5_000)];
      for (const channel of ['one', 'two']) {
        const requests = names.flatMap((id) => [
          by(0, 1, { channel, producer: { id, epoch: 0, sequence: 1 } }),
          event(channel, 'keyed', id),
        ]);
        const offsets = offsetsOfAll(await log.append(requests));
        assertEqual<number[]>(offsets, range(1, 2 * names.length), `the offsets in ${channel}`);
        const again = await log.append(requests);
        assertEqual(
          codesOf(again),
          requests.map(() => 'repeat'),
          `the repeats in ${channel}`,
        );
      }
    },
  },
  {
    rule: 'LOG-12',
    title: 'of many that publish one sequence at once, one is stored and all get its cursor',
    async run({ engine: { log } }) {
      const answers = await Promise.all(range(1, 16).map(() => log.append([by(1, 1)])));
      assertEqual<number[]>(answers.flatMap(offsetsOfAll), Array(16).fill(1), 'the offsets');
      assertEqual((await readAll(log, 'run')).entries.length, 1, 'the number of events');
    },
  },
];

const STEPS = 30;

/** Publishes until it is through or refused. */
async function own(log: Log, epoch: number): Promise<void> {
  for (const sequence of range(1, STEPS)) {
    const [outcome] = await log.append([by(epoch, sequence)]);
    if (outcome === undefined || 'cursor' in outcome) continue;
    assertRefused(outcome, 'publish/fenced', { epoch: 2 });
    return;
  }
}

/** The event `epoch.sequence` of producer `p` in channel `run`. */
export function by(
  epoch: number,
  sequence: number,
  over: { readonly channel?: string; readonly producer?: Producer } = {},
): AppendEvent {
  const body = encodeEventBody({ type: 'said', data: `${epoch}.${sequence}` });
  return { channel: 'run', body, producer: { id: 'p', epoch, sequence }, ...over };
}

export function assertRefused(
  outcome: AppendOutcome | undefined,
  code: string,
  details: Readonly<Record<string, unknown>>,
): void {
  assert(outcome !== undefined && 'error' in outcome, `it is refused with ${code}`);
  assertEqual<string>(outcome.error.code, code, 'the code of the refusal');
  assertEqual<unknown>(outcome.error.details, details, 'the details of the refusal');
}

/** `ok`, `repeat`, or the code of the refusal. */
export function codesOf(outcomes: readonly AppendOutcome[]): string[] {
  return outcomes.map((one) =>
    'error' in one ? one.error.code : one.isDuplicate ? 'repeat' : 'ok',
  );
}

function offsetsOfAll(outcomes: readonly AppendOutcome[]): number[] {
  return outcomes.map((outcome) => accepted(outcome).offset);
}

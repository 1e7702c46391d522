// Cases of the bus. Rules: BUS-1, BUS-2.

import { assertEqual, assertRejects, eventually } from '../check.ts';
import { type EngineCase, range } from './engine-case.ts';

export const busCases: readonly EngineCase[] = [
  {
    rule: 'BUS-1',
    title: 'every subscriber of a topic gets what is published after it subscribed, in order',
    async run({ engine: { bus } }) {
      const early: string[] = [];
      const late: string[] = [];
      const other: string[] = [];
      await bus.subscribe('typing', (text) => void early.push(text));
      await bus.subscribe('typing:7', (text) => void other.push(text));
      await bus.publish('typing', 'before');
      await bus.subscribe('typing', (text) => void late.push(text));
      for (const step of range(1, 50)) await bus.publish('typing', `step "${step}" é`);
      const steps = range(1, 50).map((step) => `step "${step}" é`);
      await eventually(() => early.length >= 51 && late.length >= 50, 'all of it arrives');
      assertEqual(early, ['before', ...steps], 'what the first one got');
      assertEqual(late, steps, 'what the second one got');
      assertEqual(other, [], 'what the subscriber of another topic got');
    },
  },
  {
    rule: 'BUS-1',
    title: 'nothing arrives after unsubscribing, the others go on, and it may be repeated',
    async run({ engine: { bus } }) {
      const staying: string[] = [];
      const leaving: string[] = [];
      await bus.subscribe('news', (text) => void staying.push(text));
      const leave = await bus.subscribe('news', (text) => void leaving.push(text));
      await bus.publish('news', 'one');
      await eventually(() => leaving.length === 1, 'it gets what comes before');
      leave();
      leave();
      await bus.publish('news', 'two');
      await eventually(() => staying.length === 2, 'the other one gets it');
      assertEqual(leaving, ['one'], 'what it got');
    },
  },
  {
    rule: 'BUS-1',
    title: 'a topic without subscribers takes messages',
    async run({ engine: { bus } }) {
      await bus.publish('void', 'nobody hears this');
      const heard: string[] = [];
      await bus.subscribe('void', (text) => void heard.push(text));
      await bus.publish('void', 'this one is heard');
      await eventually(() => heard.length === 1, 'the later one arrives');
      assertEqual(heard, ['this one is heard'], 'what arrived');
    },
  },
  {
    rule: 'BUS-2',
    title: 'a message of 256 KiB arrives whole, one that is larger is refused',
    async run({ engine: { bus } }) {
      const heard: string[] = [];
      await bus.subscribe('large', (text) => void heard.push(text));
      const largest = 'é'.repeat((256 * 1_024 - 'large'.length - 1) / 2);
      await assertRejects(
        () => bus.publish('large', `${largest}xx`),
        'limit/event-size',
        'a larger one',
      );
      await bus.publish('large', largest);
      await bus.publish('large', 'after');
      await eventually(() => heard.length >= 2, 'both arrive');
      assertEqual(heard[0]?.length, largest.length, 'the length of the large one');
      assertEqual(heard, [largest, 'after'], 'what arrived');
    },
  },
];

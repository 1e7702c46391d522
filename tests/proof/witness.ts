// Somebody who minds their own business while others are attacked or attack: follows a channel that ticks, and can say
// whether anything was lost, doubled, late or told. Owns its client and its ticks.

import type { MatrixHub } from '../matrix/matrix-hub.ts';
import { numbers, recordNumbers, upTo } from '../matrix/matrix-hub.ts';
import { until } from '../support/wait.ts';

export interface Witness extends AsyncDisposable {
  /** Waits for a further tick and throws unless all of them came once, in order, over one link, without a word. */
  noticedNothing(): Promise<void>;
}

export async function openWitness(server: MatrixHub): Promise<Witness> {
  const channel = numbers.of({ name: 'witness' });
  const transcript = recordNumbers('witness', { url: server.directUrl });
  const statuses = new Set<unknown>();
  await until(() => transcript.story.length > 0, { label: 'the witness' });
  transcript.client.status.subscribe(() => statuses.add(transcript.client.status.getSnapshot()));
  let n = 0;
  const tick = async (): Promise<void> => {
    n += 1;
    await server.hub.publish(channel, { type: 'counted', data: { n } });
  };
  const timer = setInterval(() => void tick(), 50);
  return {
    async noticedNothing() {
      await tick();
      const told = n;
      await until(() => transcript.seen.length >= told, { label: `the witness’s tick ${told}` });
      const expected = JSON.stringify(['exact', ...upTo(transcript.seen.length)]);
      if (JSON.stringify(transcript.story) !== expected) {
        throw new Error(`the witness heard ${transcript.story.slice(-20).join()}`);
      }
      const errors = [...transcript.errors, ...[...statuses].map((one) => JSON.stringify(one))];
      if (errors.length > 0) throw new Error(`the witness noticed ${errors.join()}`);
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await transcript[Symbol.asyncDispose]();
    },
  };
}

// The process of stalled-crowd.ts: answers one call after the other, and ends with whoever started it.

import { createFaultyProxy, type FaultyProxy } from '../support/faulty-proxy.ts';
import type { CrowdCall, CrowdOptions } from './stalled-crowd.ts';
import { openWideReaders, problemsOf, untilAllAt, type WideReader } from './wide-readers.ts';

interface Opened {
  readonly network: FaultyProxy;
  readonly readers: WideReader[];
  readonly resuming: number;
}

let opened: Opened | undefined;

async function open({ targets, count, resuming }: CrowdOptions): Promise<Opened> {
  const network = await createFaultyProxy({ target: targets });
  return { network, readers: await openWideReaders([network.url], count), resuming };
}

async function answer(asked: CrowdCall): Promise<readonly string[]> {
  if (asked.call === 'open') {
    opened = await open(asked.options);
    return [];
  }
  if (opened === undefined) throw new Error('nobody is open');
  const { network, readers, resuming } = opened;
  switch (asked.call) {
    case 'stall':
      // Nor gets through who finds its link dead and opens another: it would read everything after all.
      network.setRules({ connection: 'blackhole' });
      network.freeze('all');
      return [];
    case 'letGo':
      await Promise.all(readers.splice(resuming).map(({ client }) => client.close()));
      network.setRules({});
      network.unfreeze('all');
      return [];
    case 'judge':
      await untilAllAt(readers, asked.published.at(-1)?.offset ?? 0, asked.deadlineMs);
      return problemsOf(readers, asked.published, { mayStall: true });
  }
}

process.on('message', (asked: CrowdCall) => {
  answer(asked).then(
    (found) => process.send?.(found),
    // Told to whoever started it by the end of the process.
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit());

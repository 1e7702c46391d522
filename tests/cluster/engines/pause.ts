// How long a fault lasts is the fault itself: the one place where the test bed lets time pass.

import { setTimeout as sleep } from 'node:timers/promises';

export async function pause(ms: number): Promise<void> {
  await sleep(ms);
}

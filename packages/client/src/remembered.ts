// The carrier that worked, kept per origin between page loads. Storage is untrusted: anything else than what was
// stored here counts as nothing. Rule: CLI-3.

import { readJsonObject } from '@millrace/protocol/wire';
import type { Remembered } from './connection-types.ts';
import type { Environment } from './environment.ts';
import { CARRIERS } from './options.ts';

type Store = Pick<Environment, 'load' | 'store'>;

export function storeRemembered({ store }: Store, url: string, remembered: Remembered): void {
  store(keyOf(url), JSON.stringify(remembered));
}

export function loadRemembered({ load }: Store, url: string): Remembered | null {
  try {
    const { carrier, usualMs, at } = readJsonObject(load(keyOf(url)) ?? '');
    const known = CARRIERS.find((one) => one === carrier);
    if (known && typeof usualMs === 'number' && typeof at === 'number') {
      return { carrier: known, usualMs, at };
    }
  } catch {
    // Somebody else's text under our key: as good as nothing.
  }
  return null;
}

function keyOf(url: string): string {
  return `millrace:${new URL(url).origin}`;
}

// What the test bed publishes and who is present. Channels are the probes': a tick's number names its publisher and
// counts for that publisher's events of the channel, so that a record tells who published what without another field.

import { type Contract, defineChannel, type StandardSchema } from '@millrace/protocol';
import { type Named, named } from '../support/named-schema.ts';

const EACH = 1_000_000;

/** Publishers count from 0, their events of one channel from 1. */
export function numberOf(publisher: number, count: number): number {
  return (publisher + 1) * EACH + count;
}

export function publisherOf(n: number): number {
  return Math.floor(n / EACH) - 1;
}

/** Nobody says anything there; a contract has an event. */
type Said = { readonly said: StandardSchema<Named> };

export const rooms: Contract<'id', Said, undefined, StandardSchema<Named>> = defineChannel({
  type: 'room',
  params: ['id'],
  events: { said: named },
  presence: named,
  access: { subscribe: 'public', presence: 'public' },
});

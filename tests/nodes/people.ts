// The channels of the tests with several nodes: people in rooms, open to everybody. Read by nodes and clients alike.

import { type Contract, defineChannel, type StandardSchema } from '@millrace/protocol';
import { type Named, named } from '../support/named-schema.ts';

export const people: Contract<
  'room',
  { readonly said: StandardSchema<Named> },
  undefined,
  StandardSchema<Named>,
  { readonly pointed: StandardSchema<Named> }
> = defineChannel({
  type: 'people',
  params: ['room'],
  events: { said: named },
  presence: named,
  ephemeral: { pointed: named },
  access: { subscribe: 'public', presence: 'public', ephemeral: 'public' },
});

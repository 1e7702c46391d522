// The channels of the tests with several nodes: people in rooms, open to everybody. Read by nodes and clients alike.

import { type Contract, defineChannel, type StandardSchema } from '@millrace/protocol';

export interface Named {
  readonly name: string;
}

const named: StandardSchema<Named> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'object' &&
      value !== null &&
      'name' in value &&
      typeof value.name === 'string'
        ? { value: { name: value.name } }
        : { issues: [{ message: 'needs a name' }] },
  },
};

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

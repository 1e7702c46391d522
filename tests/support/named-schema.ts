// The smallest data that says who somebody is, for contracts of tests.
import type { StandardSchema } from '@millrace/protocol';

export interface Named {
  readonly name: string;
}

export const named: StandardSchema<Named> = {
  '~standard': {
    version: 1,
    vendor: 'millrace-tests',
    validate: (value) =>
      typeof value === 'object' &&
      value !== null &&
      'name' in value &&
      typeof value.name === 'string'
        ? { value: { name: value.name } }
        : { issues: [{ message: 'needs a name' }] },
  },
};

// The command line: a number of nodes or nothing.

import { expect, test } from 'vitest';
import { readOptions } from './main-options.ts';

test.each([
  [[], null],
  [['--nodes', '3'], 3],
  [['--nodes=16'], 16],
])('%j', (args, nodes) => {
  expect(readOptions(args)).toEqual({ nodes });
});

test.each([[['--nodes', '0']], [['--nodes', '17']], [['--nodes', 'x']], [['--nodes']], [['-x']]])(
  '%j is refused with how it is used',
  (args) => {
    expect(() => readOptions(args)).toThrow(/Usage: npm start \[-- --nodes N\]/);
  },
);

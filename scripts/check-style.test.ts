// Each rule of house style can fail, and what is sound passes.
import { describe, expect, it } from 'vitest';
import { styleCheck } from './check-style.ts';
import { findingsOf, manifest } from './lib/fixture.ts';

const long = (lines: number): string => 'export {};\n'.repeat(lines);

describe('house style', () => {
  it('passes what is sound', async () => {
    const found = await findingsOf(styleCheck, {
      'packages/client/package.json': manifest('client'),
      'packages/client/src/index.ts': "// The public names.\nexport { a } from './a.ts';\n",
      'packages/client/src/a.ts': '// One idea.\nexport const a = { window: 1 }.window;\n',
      'packages/client/src/environment.ts': '// The browser.\nexport const w = window;\n',
      'packages/client/src/a.test.ts': "it('runs', () => {});\n",
      'packages/client/src/grammar.ts': `// exempt from the length limit: one table\n${long(500)}`,
    });
    expect(found).toEqual([]);
  });

  it.each<[rule: string, path: string, text: string, message: string]>([
    ['a comment first', 'scripts/a.ts', 'export {};', 'opens without a comment'],
    [
      'words, not a directive',
      'scripts/a.ts',
      '// oxlint-disable no-console\nexport {};',
      'opens without',
    ],
    ['400 lines', 'scripts/a.ts', `// A.\n${long(400)}`, 'has 401 lines, at most 400'],
    ['500 lines of test', 'scripts/a.test.ts', long(501), 'has 501 lines, at most 500'],
    ['no skip', 'scripts/a.test.ts', "it.skip('x', () => {});", 'it.skip'],
    ['no only', 'scripts/a.test.ts', "describe.only('x', () => {});", 'describe.only'],
    [
      'nothing left for later',
      'scripts/a.ts',
      `// A.\n// ${'TO'}${'DO'} more\nexport {};`,
      'for later',
    ],
    ['no window', 'packages/client/src/a.ts', '// A.\nwindow.close();', 'touches window'],
    [
      'no globalThis.document',
      'packages/client/src/a.ts',
      '// A.\nglobalThis.document;',
      'touches document',
    ],
    [
      'no typeof navigator',
      'packages/client/src/a.ts',
      '// A.\ntypeof navigator;',
      'touches navigator',
    ],
    ['no star', 'packages/client/src/index.ts', "// A.\nexport * from './a.ts';", 'exports a star'],
    [
      'a short index',
      'packages/client/src/index.ts',
      `// A.\n${long(60)}`,
      'has 61 lines, a public entry',
    ],
  ])('%s', async (_, path, text, message) => {
    const files = { 'packages/client/package.json': manifest('client'), [path]: text };
    expect((await findingsOf(styleCheck, files)).join('\n')).toContain(message);
  });
});

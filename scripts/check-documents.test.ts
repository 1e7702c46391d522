// The checks that hold documents and code together can fail, and what is sound passes.
import { describe, expect, it } from 'vitest';
import { docsCheck } from './check-docs.ts';
import { errorsCheck } from './check-errors.ts';
import { linksCheck } from './check-links.ts';
import { rulesCheck } from './check-rules.ts';
import { treeCheck } from './check-tree.ts';
import { findingsOf } from './lib/fixture.ts';

describe('rules ↔ tests', () => {
  const document = '# P\n\n**LINK-1** A rule.\n\n**LINK-2** Another, after LINK-1.\n';

  it('passes when each rule is cited by a title or a case', async () => {
    const found = await findingsOf(rulesCheck, {
      'PROTOCOL.md': document,
      'packages/a/src/a.test.ts': "it('LINK-1: works', () => {}); const x = 'UTF-8';",
      'packages/a/src/testing/engine-cases.ts': "const c = { rules: ['LINK-2'], title: 'x' };",
    });
    expect(found).toEqual([]);
  });

  it('finds a rule without a test', async () => {
    const tests = { 'a.test.ts': "it('LINK-1: works, unlike LINK-2', () => {});" };
    const found = await findingsOf(rulesCheck, { 'PROTOCOL.md': document, ...tests });
    expect(found).toEqual([expect.stringContaining('PROTOCOL.md:5  LINK-2 has no test')]);
  });

  it('finds a citation of a rule that does not exist, in a title and in a case', async () => {
    const found = await findingsOf(rulesCheck, {
      'PROTOCOL.md': document,
      'a.test.ts': "it('LINK-1, LINK-2: x', () => {});\nit('LINK-9: x', () => {});",
      'b-cases.ts': "const c = { rule: 'LINK-8' };",
    });
    expect(found).toEqual([
      expect.stringContaining('a.test.ts:2  cites LINK-9'),
      expect.stringContaining('b-cases.ts:1  cites LINK-8'),
    ]);
  });

  it('finds a rule that stands twice, and a protocol without rules or none at all', async () => {
    const tests = { 'a.test.ts': "it('LINK-1, LINK-2: x', () => {});" };
    const twice = { 'PROTOCOL.md': `${document}**LINK-1** Again.\n`, ...tests };
    expect((await findingsOf(rulesCheck, twice)).join()).toContain('LINK-1 stands twice');
    expect((await findingsOf(rulesCheck, { 'PROTOCOL.md': '# P' })).join()).toContain('no rule');
    expect((await findingsOf(rulesCheck, {})).join()).toContain('is missing');
  });
});

describe('errors ↔ docs', () => {
  const policies = "export const ERROR_POLICIES = { 'a/b': 'stop' };";
  const source = "export const ERROR_CODES = { 'a/b': { status: 400, close: 0 } };";
  const check = (rows: string): Promise<readonly string[]> =>
    findingsOf(errorsCheck, {
      'packages/protocol/src/errors.ts': policies,
      'packages/protocol/src/error-traits.ts': source,
      'docs/errors.md': `| code | policy | status | close |\n|---|---|---|---|\n${rows}`,
    });

  it('passes when both say the same', async () => {
    expect(await check('| `a/b` | stop | 400 | – |\n')).toEqual([]);
  });

  it('finds a code without a row, a row without a code, and a difference', async () => {
    expect((await check('')).join()).toContain('has no row for a/b');
    const gone = await check('| `a/b` | stop | 400 | – |\n| `a/c` | stop | 400 | – |\n');
    expect(gone.join()).toContain('a/c is no code');
    expect((await check('| `a/b` | retry | 400 | – |\n')).join()).toContain('policy is stop');
    expect((await check('| `a/b` | stop | 404 | – |\n')).join()).toContain('status is 400');
  });
});

describe('links and paths', () => {
  const base = {
    'README.md': '# R\n\n[ok](docs/a.md#two-words) and `docs/a.md`, `scripts/*.ts`\n',
    'CONTRIBUTING.md': '# C\n',
    'PROTOCOL.md': '# P\n',
    'CHANGELOG.md': '# C\n',
    'docs/a.md': '# A\n\n## Two words\n\n```sh\n[x](nowhere.md)\n```\n',
    'scripts/a.ts': '',
  };

  it('passes links that lead somewhere, and does not look into code blocks', async () => {
    expect(await findingsOf(linksCheck, base)).toEqual([]);
  });

  it.each([
    ['a link', '[x](nowhere.md)', 'links to nowhere.md'],
    ['an image', '![x](docs/x.png)', 'links to docs/x.png'],
    ['a heading', '[x](a.md#nope)', 'no heading'],
    ['a path', '`packages/gone/src/a.ts`', 'does not exist'],
    ['a pattern', '`scripts/*.py`', 'does not exist'],
  ])('finds %s that leads nowhere', async (_, text, message) => {
    const found = await findingsOf(linksCheck, { ...base, 'docs/b.md': text });
    expect(found.join('\n')).toContain(message);
  });

  it('finds a document that is missing and a README that is too long', async () => {
    const { 'CHANGELOG.md': _, ...rest } = base;
    expect((await findingsOf(linksCheck, rest)).join()).toContain('CHANGELOG.md  is missing');
    const long = { ...base, 'README.md': 'x\n'.repeat(151) };
    expect((await findingsOf(linksCheck, long)).join()).toContain('has 151 lines, at most 150');
  });
});

describe('snippets', () => {
  const quote = (code: string): string => `<!-- file: a.ts -->\n\`\`\`ts\n${code}\n\`\`\`\n`;

  it('passes a quote that is its file, finds one that is not and one of no file', async () => {
    const files = { 'a.ts': 'export {};\n' };
    expect(await findingsOf(docsCheck, { ...files, 'README.md': quote('export {};') })).toEqual([]);
    const old = await findingsOf(docsCheck, { ...files, 'README.md': quote('old') });
    expect(old.join()).toContain('quotes what has changed');
    expect((await findingsOf(docsCheck, { 'README.md': quote('x') })).join()).toContain('a.ts');
  });
});

describe('nothing of one machine', () => {
  // In parts, so that this file is not what the check finds.
  const disk = (rest: string): string => `/${rest}`;

  it('passes paths of the system, addresses of a page and documents of the project', async () => {
    const found = await findingsOf(treeCheck, {
      'a.ts': "const a = '/usr/bin/chromium', b = 'https://x.example/home/a', c = '/api/root/x';",
      'docs/style.md': '# S',
      'b.md': 'See docs/style.md.',
      'package-lock.json': '{ "resolved": "packages/client" }',
    });
    expect(found).toEqual([]);
  });

  it.each([
    ['a path', 'a.ts', `const a = '${disk('tmp/x')}';`, 'path of one machine'],
    ['a home', 'a.md', `See ${disk('home/me')}.`, 'path of one machine'],
    ['a registry', 'a.md', `https://registry.${'npmjs'}.org/x`, 'package registry'],
    ['a page of its writer', 'a.ts', `// See ${'design'}.md §3.`, 'not in this project'],
    [
      'an address in the lock',
      'package-lock.json',
      '{"resolved": "https://h.example/a.tgz"}',
      'address',
    ],
  ])('finds %s', async (_, path, text, message) => {
    expect((await findingsOf(treeCheck, { [path]: text })).join()).toContain(message);
  });
});

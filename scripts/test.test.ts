// `npm test` counts honestly: run in a workspace of its own whose tests pass, fail, break and skip.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const source = resolve(import.meta.dirname, '..');
let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  mkdirSync(join(root, 'src'));
  symlinkSync(join(source, 'scripts'), join(root, 'scripts'));
  symlinkSync(join(source, 'node_modules'), join(root, 'node_modules'));
  const projects = ['unit', 'dom'].map((name) => ({
    test: { name, include: [`src/*.${name}.ts`], passWithNoTests: true },
  }));
  const config = { test: { projects } };
  writeFileSync(join(root, 'vitest.config.mjs'), `export default ${JSON.stringify(config)};`);
  write('good.unit.ts', "it('one', () => {}); it('two', () => {});");
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

describe('npm test', () => {
  it('adds up on the last line, alone', () => {
    expect(run()).toMatchObject({ code: 0, last: '2 passed, 0 failed' });
  });

  it('counts a failed test, of either project, and shows what it said', () => {
    write('bad.dom.ts', "it('three', () => { throw new Error('this is why'); });");
    const { code, last, output } = run();
    expect({ code, last }).toEqual({ code: 1, last: '2 passed, 1 failed' });
    expect(output).toContain('this is why');
  });

  it('counts a file that cannot be loaded and an error that no test caught', () => {
    write('broken.unit.ts', "import './nowhere.ts';");
    write('late.unit.ts', "it('three', () => { void Promise.reject(new Error('late')); });");
    expect(run()).toMatchObject({ code: 1, last: '3 passed, 2 failed' });
  });

  it('is a failure when vitest does not get to its end', () => {
    write('dies.unit.ts', "it('three', () => { process.kill(process.ppid, 'SIGKILL'); });");
    const { code, last } = run();
    expect(code).toBe(1);
    expect(last).toMatch(/[1-9] failed$/);
  });

  it('fails in CI when a test was skipped, unless it names a missing capability', () => {
    write('skips.unit.ts', "it('three', (context) => context.skip('Redis is not installed'));");
    expect(run()).toMatchObject({ code: 0, last: '2 passed, 0 failed' });
    const { code, last, output } = run({ CI: 'true' });
    expect({ code, last }).toEqual({ code: 1, last: '2 passed, 1 failed' });
    expect(output).toContain('SKIPPED three: Redis is not installed');
    write('skips.unit.ts', "it('three', (context) => context.skip('capability shared: ENG-4'));");
    expect(run({ CI: 'true' })).toMatchObject({ code: 0, last: '2 passed, 0 failed' });
  });

  it('tells which tests were only slow at first; what was wrong at first has failed', () => {
    for (const [name, why] of [
      ['slow', 'too slow: it took 2 ms, 1 at most'],
      ['wrong', 'lost a message'],
    ]) {
      const retry = '{ count: 2, condition: /^too slow: / }';
      const body = `{ if (n++ === 0) throw new Error('${why}'); }`;
      write(`${name}.unit.ts`, `let n = 0; it('${name}', { retry: ${retry} }, () => ${body});`);
    }
    const { code, last, output } = run();
    expect({ code, last }).toEqual({ code: 1, last: '3 passed, 1 failed' });
    expect(output).toContain('SLOW AT FIRST slow');
  });

  it('fails in CI when many tests were slow at first', () => {
    const retry = '{ count: 2, condition: /^too slow: / }';
    const body = "{ if (n++ === 0) throw new Error('too slow: it'); }";
    const one = `{ let n = 0; it('slow', { retry: ${retry} }, () => ${body}); }`;
    write('slow.unit.ts', Array.from({ length: 9 }, () => one).join('\n'));
    expect(run()).toMatchObject({ code: 0, last: '11 passed, 0 failed' });
    const { code, last, output } = run({ CI: 'true' });
    expect({ code, last }).toEqual({ code: 1, last: '11 passed, 1 failed' });
    expect(output).toContain('More than 8 tests were slow at first');
  });

  it('runs only the files that were asked for', () => {
    write('bad.unit.ts', "it('three', () => { throw new Error('no'); });");
    expect(run({}, ['good'])).toMatchObject({ code: 0, last: '2 passed, 0 failed' });
  });

  it('is a failure when no step has the name', () => {
    expect(run({}, ['--only', 'no such step'], '')).toMatchObject({ code: 1 });
  });
});

function write(name: string, body: string): void {
  writeFileSync(join(root, 'src', name), `import { it } from 'vitest';\n${body}\n`);
}

function run(
  env: Record<string, string> = {},
  args: readonly string[] = [],
  only = 'unit',
): { code: number | null; last: string; output: string } {
  const onlyArgs = only === '' ? [] : ['--only', only];
  const conditions = '--conditions=@millrace/source';
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [conditions, 'scripts/test.ts', ...onlyArgs, ...args],
    {
      cwd: root,
      encoding: 'utf8',
      env: {
        PATH: [join(source, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
        CI: 'false',
        ...env,
      },
    },
  );
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  return { code: status, last, output: stdout + stderr };
}

// Each rule of the dependency direction can fail, and what is sound passes.
import { describe, expect, it } from 'vitest';
import { importsCheck } from './check-imports.ts';
import { type Files, findingsOf, manifest } from './lib/fixture.ts';

const sound: Files = {
  'packages/protocol/package.json': manifest('protocol'),
  'packages/protocol/src/index.ts': "export { a } from './a.ts';",
  'packages/protocol/src/a.ts': 'export const a = 1;',
  'packages/client/package.json': manifest('client', './testing'),
  'packages/client/src/index.ts': "export { b } from './b.ts';",
  'packages/client/src/b.ts': "import { a } from '@millrace/protocol';\nexport const b = a;",
  'packages/client/src/b.test.ts': "import { it } from 'vitest';\nimport { b } from './b.ts';",
  'packages/server/package.json': manifest('server'),
  'packages/server/src/hub.ts': "import type { Log } from './seams/log.ts';",
  'packages/server/src/seams/log.ts': "import type { A } from '@millrace/protocol';",
  'packages/server/src/engines/memory/log.ts':
    "import type { Log } from '../../seams/log.ts';\nimport { x } from './x.ts';\nimport { y } from '../shared.ts';\nimport { randomUUID } from 'node:crypto';",
  'packages/server/src/transports/websocket.ts': "import { WebSocketServer } from 'ws';",
  'apps/desk/package.json': JSON.stringify({ name: '@millrace/desk' }),
  'apps/desk/server/main.ts': "import '@millrace/server';\nimport '../shared/channels.ts';",
  'apps/desk/web/src/main.tsx': "import '@millrace/client';\nimport '../../shared/channels.ts';",
  'tests/a.test.ts': "import '@millrace/client';\nimport '@millrace/server';",
};

describe('dependency direction', () => {
  it('passes a sound workspace', async () => {
    expect(await findingsOf(importsCheck, sound)).toEqual([]);
  });

  it('sees no import in a string or a comment', async () => {
    const text = "// import '@millrace/server';\nexport const s = \"import '@millrace/server'\";";
    expect(await findingsOf(importsCheck, { ...sound, 'packages/client/src/c.ts': text })).toEqual(
      [],
    );
  });

  it.each<[rule: string, path: string, text: string, message: string]>([
    [
      'client ↛ server',
      'packages/client/src/c.ts',
      "import '@millrace/server';",
      'must not import',
    ],
    [
      'server ↛ client',
      'packages/server/src/c.ts',
      "import '@millrace/client';",
      'must not import',
    ],
    [
      'types too',
      'packages/server/src/c.ts',
      "import type { A } from '@millrace/client';",
      'must not',
    ],
    ['dynamic too', 'packages/server/src/c.ts', "await import('@millrace/client');", 'must not'],
    ['exports too', 'packages/server/src/c.ts', "export * from '@millrace/client';", 'must not'],
    ['tests too', 'packages/server/src/c.test.ts', "import '@millrace/client';", 'must not import'],
    ['no deep path', 'tests/b.ts', "import '@millrace/client/src/b.ts';", 'no public entry'],
    ['a real package', 'tests/b.ts', "import '@millrace/clint';", 'names no package'],
    ['not itself', 'packages/client/src/c.ts', "import '@millrace/client';", 'its own package'],
    ['no way out', 'packages/client/src/c.ts', "import '../../protocol/src/a.ts';", 'leaves'],
    ['no way out of tests', 'tests/b.ts', "import '../apps/desk/server/main.ts';", 'leaves tests'],
    ['not the entry', 'packages/client/src/c.ts', "import './index.ts';", 'is a public entry'],
    ['no node: in browsers', 'packages/client/src/c.ts', "import 'node:fs';", 'in a browser'],
    ['no node: in the page', 'apps/desk/web/src/a.ts', "import 'node:fs';", 'in a browser'],
    ['page ↛ server', 'apps/desk/web/src/a.ts', "import '../../server/main.ts';", 'meet only in'],
    ['page ↛ hub', 'apps/desk/web/src/a.ts', "import '@millrace/server';", 'protocol only'],
    [
      'engine ↛ hub',
      'packages/server/src/engines/memory/a.ts',
      "import '../../hub.ts';",
      'an engine',
    ],
    [
      'engine ↛ engine',
      'packages/server/src/engines/pg/a.ts',
      "import '../memory/log.ts';",
      'an engine',
    ],
    ['shared ↛ hub', 'packages/server/src/engines/bus.ts', "import '../hub.ts';", 'an engine'],
    [
      'transport ↛ hub',
      'packages/server/src/transports/sse.ts',
      "import '../hub.ts';",
      'a transport',
    ],
    ['seam ↛ core', 'packages/server/src/seams/bus.ts', "import '../hub.ts';", 'a seam knows'],
    ['no stranger', 'packages/client/src/c.ts', "import 'lodash';", 'must not import lodash'],
    [
      'no test runner in sources',
      'packages/client/src/c.ts',
      "import 'vitest';",
      'must not import vitest',
    ],
    ['what parses', 'packages/client/src/c.ts', 'export const = 1;', 'cannot be parsed'],
  ])('%s', async (_, path, text, message) => {
    const found = await findingsOf(importsCheck, { ...sound, [path]: text });
    expect(found.join('\n')).toContain(message);
    expect(found.every((line) => line.startsWith(path))).toBe(true);
  });

  it('refuses a dependency in a manifest that the table does not know', async () => {
    const manifestText = JSON.stringify({ exports: {}, dependencies: { lodash: '4.0.0' } });
    const found = await findingsOf(importsCheck, { 'packages/client/package.json': manifestText });
    expect(found.join('\n')).toContain('lodash is not among the dependencies');
  });

  it('names the files of a circle once', async () => {
    const found = await findingsOf(importsCheck, {
      'scripts/a.ts': "import './b.ts';",
      'scripts/b.ts': "import './c.ts';",
      'scripts/c.ts': "import './a.ts';",
    });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain('scripts/a.ts → scripts/b.ts → scripts/c.ts → scripts/a.ts');
  });
});

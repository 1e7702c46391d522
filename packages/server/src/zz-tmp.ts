import { PGlite } from '@electric-sql/pglite';
import { toOffset, ZERO_OFFSET } from '@millrace/protocol';
import { pgliteDatabase, pgliteEngine } from './engines/postgres/index.ts';

const pg = await PGlite.create('/tmp/pgt9');
const e = pgliteEngine({ database: pgliteDatabase(pg) });
const bad = (h: unknown) => {};
e.log.watch(bad);
console.log(
  JSON.stringify(
    await e.log.append([
      { channel: 'a:1', body: '"type":"x","data":1', key: 'k' },
      { channel: 'a:1', body: '"type":"x","data":1', key: 'k' },
      { channel: 'a:1', isEnd: true },
      { channel: 'a:1', body: '"type":"y"' },
      { channel: 'a:1', body: '"type":"x","data":1', key: 'k' },
      { channel: 'b', body: '"type":"x","data":1' },
    ]),
  ),
);
console.log(
  JSON.stringify(await e.log.read('a:1', ZERO_OFFSET, { maxEvents: 10, maxBytes: 1000 })),
);
const body =
  '"type":"message","data":' +
  JSON.stringify({
    id: 'abc',
    agentId: 'x',
    type: 'analysis',
    content: 'y'.repeat(200),
    timestamp: 'z',
  });
async function bench(name: string, n: number, size: number, chans: number, keys: boolean) {
  let t = performance.now();
  for (let i = 0; i < n; i++)
    await e.log.append(
      Array.from({ length: size }, (_, k) => ({
        channel: 'm:' + (k % chans),
        body,
        ...(keys ? { key: `${i}.${k}.${name}` } : {}),
      })),
    );
  const d = performance.now() - t;
  console.log(name, (((n * size) / d) * 1000) | 0, 'events/s', (d / n).toFixed(2), 'ms/batch');
}

await bench('warm', 20, 500, 50, false);
for (let i = 0; i < 4; i++) await bench('500 keys ' + i, 40, 500, 50, true);
for (let i = 0; i < 2; i++) await bench('500 keys1ch ' + i, 40, 500, 1, true);
await bench('500x50', 20, 500, 50, false);
await bench('single key', 1000, 1, 1, true);
await e.close();
await pg.close();

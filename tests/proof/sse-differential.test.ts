// Promise T19: our encoder and our reader against the EventSource of a real Chromium.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Chunks, readAsClient, readInChromium, type Told } from '../soak/sse-differential.ts';
import { anyStream, encodedStream, hasUnreadIds } from '../soak/sse-streams.ts';
import { type Chromium, openChromium } from '../support/chromium.ts';
import { seedOfRun } from '../support/seeded-random.ts';

const seed = seedOfRun('sse');
const cases = Number(process.env['SSE_CASES'] ?? 600);
let chromium: Chromium;

beforeAll(async () => {
  chromium = await openChromium();
});

afterAll(() => chromium.close());

const withoutIds = (told: readonly Told[]) => told.map(([type, , data]) => [type, data]);
const inWords = (chunks: Chunks): string =>
  JSON.stringify(chunks.map((one) => Buffer.from(one).toString('latin1')));

test('SSE-1: whatever bytes come, cut wherever, the client reads what an EventSource reads', async () => {
  const streams = fc.sample(anyStream, { numRuns: cases, seed });
  const browser = await readInChromium(chromium, streams);
  const withIds = streams.filter((one) => !hasUnreadIds(one));
  let messages = 0;
  for (const [index, chunks] of streams.entries()) {
    const told = browser[index] ?? [];
    const ours = readAsClient(chunks);
    messages += told.length;
    const [mine, theirs] = hasUnreadIds(chunks)
      ? [withoutIds(ours), withoutIds(told)]
      : [ours, told];
    expect(mine, `seed ${seed}, stream ${index}: ${inWords(chunks)}`).toEqual(theirs);
  }
  console.info(`${cases} streams, ${messages} messages, ids compared in ${withIds.length}`);
  expect(messages).toBeGreaterThan(cases / 4);
  expect(withIds.length).toBeGreaterThan(cases / 4);
});

test('SSE-2: what the encoder writes means the same to an EventSource, to the client and to us', async () => {
  const streams = fc.sample(encodedStream, { numRuns: cases, seed });
  const browser = await readInChromium(
    chromium,
    streams.map(({ chunks }) => chunks),
  );
  for (const [index, { chunks, means }] of streams.entries()) {
    const label = `seed ${seed}, stream ${index}: ${inWords(chunks)}`;
    expect(browser[index], label).toEqual(means);
    expect(withoutIds(readAsClient(chunks)), label).toEqual(withoutIds(means));
  }
});

test('SSE-2: nothing that the encoder writes ends a line with CR, or gives an id a NUL', () => {
  fc.assert(
    fc.property(encodedStream, ({ chunks }) => {
      const text = Buffer.concat(chunks).toString();
      expect(text).not.toContain('\r');
      expect(text).not.toMatch(/^id:.*\0/m);
    }),
    { seed },
  );
});

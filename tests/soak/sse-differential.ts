// One run of promise T19: the same bytes through Chromium's own EventSource and through the reader that the client has
// (TextDecoder and eventsource-parser, put together as packages/client/src/transports/sse.ts does). Many streams in one
// page load. Owns the server of the streams and the page; what the streams hold is the caller's.

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createParser } from 'eventsource-parser';
import type { Chromium } from '../support/chromium.ts';

/** What a reader makes of a block: type, id in force, data. */
export type Told = readonly [type: string, id: string, data: string];

/** Types of which the page is told: it must listen to each by its name. */
export const listenedTypes: readonly string[] = [
  'message',
  'gap',
  'snapshot',
  'problem',
  'a b',
  'é',
];

/** Chunks as they are written, each on its own. */
export type Chunks = readonly Uint8Array[];

const OPEN_AT_ONCE = 6;

export async function readInChromium(
  chromium: Chromium,
  streams: readonly Chunks[],
): Promise<readonly (readonly Told[])[]> {
  const server = createServer((request, response) => {
    const match = /^\/stream\/(\d+)$/.exec(request.url ?? '');
    const chunks = match === null ? undefined : streams[Number(match[1])];
    if (chunks === undefined) {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>streams</title>');
      return;
    }
    response.socket?.setNoDelay(true);
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    void writeApart(response, chunks);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await using test = await chromium.newPage();
    await test.page.goto(`http://127.0.0.1:${port}/`);
    return await test.page.evaluate(readAllStreams, {
      count: streams.length,
      types: listenedTypes,
      atOnce: OPEN_AT_ONCE,
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function writeApart(response: ServerResponse, chunks: Chunks): Promise<void> {
  for (const chunk of chunks) {
    response.write(chunk);
    // Beyond a turn of the loop two writes are two packets, and mostly two reads in the browser.
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}

/** Runs in the page. */
async function readAllStreams(options: {
  readonly count: number;
  readonly types: readonly string[];
  readonly atOnce: number;
}): Promise<Told[][]> {
  const results: Told[][] = [];
  let next = 0;
  async function worker(): Promise<void> {
    while (next < options.count) {
      const index = next;
      next += 1;
      results[index] = await readOne(index);
    }
  }
  function readOne(index: number): Promise<Told[]> {
    return new Promise((resolve) => {
      const told: Told[] = [];
      const source = new EventSource(`/stream/${index}`);
      for (const type of options.types) {
        source.addEventListener(type, (event: MessageEvent<string>) =>
          told.push([event.type, event.lastEventId, event.data]),
        );
      }
      // The stream ended: it would come back for more.
      source.onerror = () => {
        source.close();
        resolve(told);
      };
    });
  }
  await Promise.all(Array.from({ length: options.atOnce }, worker));
  return results;
}

/**
 * As the client's SSE carrier reads. Two things of it are not as the standard has them, and both are named here:
 * a CR at the very end waits for the next character, which is given; and an id that came in a block without data is
 * not passed on, so `id` is what the blocks with data said.
 */
export function readAsClient(chunks: Chunks): readonly Told[] {
  const told: Told[] = [];
  let id = '';
  const parser = createParser({
    onEvent(event) {
      id = event.id ?? id;
      const type = event.event ?? 'message';
      if (listenedTypes.includes(type)) told.push([type, id, event.data]);
    },
  });
  const decoder = new TextDecoder();
  for (const chunk of chunks) parser.feed(decoder.decode(chunk, { stream: true }));
  parser.feed(':');
  return told;
}

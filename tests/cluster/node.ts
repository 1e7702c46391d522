// One node as a program of its own, so that it can be killed: a hub on the engine that `ENGINE` names (JSON), behind an
// HTTP server on `PORT`. Under /bed/ the test bed looks into it and makes its clock jump. Says one line when it listens.

// biome-ignore assist/source/organizeImports: the clock comes before those who read it.
import { createServer } from 'node:http';
import { createHub } from '@millrace/server';
import { probeContracts } from '../e2e/probe/contract.ts';
import { rooms } from './contract.ts';
import { openEngine } from './engines/open.ts';
// First: nobody may hold the real clock.
import { jumpClock } from './shifted-clock.ts';

const contracts = [...Object.values(probeContracts), rooms];
const errors: string[] = [];

function note(error: { readonly code: string; readonly message: string }): void {
  errors.push(`${error.code}: ${error.message}`);
  if (errors.length > 200) errors.shift();
}

const engine = await openEngine(JSON.parse(process.env['ENGINE'] ?? '{}'), note);
const hub = createHub({
  contracts,
  engine,
  outbox: null,
  // One address plays hundreds of users here.
  limits: { maxPublishesPerSecond: 5_000, maxLinksPerAddress: 5_000 },
  onError: note,
});

/** When the machine gave this process no turn for a second, ms since 1970: leases are longer then, by intention. */
const stalls: number[] = [];
let lookedAt = performance.now();
setInterval(() => {
  const now = performance.now();
  if (now - lookedAt > 1_000) stalls.push(Math.round(performance.timeOrigin + now));
  lookedAt = now;
}, 50);

/** Everything that is kept of a channel: its epoch, and number and place of each event. */
async function readLog(name: string): Promise<unknown> {
  const [type = '', id = ''] = name.split(':');
  const contract = Object.values(probeContracts).find((one) => one.type === type);
  if (contract === undefined) throw new Error(`no channel ${name}`);
  const channel = contract.of({ id });
  let page = await hub.history(channel);
  const first = page.verdict;
  const entries: (readonly [offset: number, n: number])[] = [];
  for (;;) {
    entries.push(...page.events.map(({ offset, data }) => [offset, data.n] as const));
    if (page.events.length === 0)
      return { epoch: page.next.epoch, head: page.next.offset, entries };
    page = await hub.history(channel, { after: page.next });
    if (page.verdict.verdict !== 'exact') {
      throw new Error(`${name} moved: ${JSON.stringify([first, page.verdict])}`);
    }
  }
}

async function answer(path: string, query: URLSearchParams): Promise<unknown> {
  if (path === '/bed/log') return readLog(query.get('channel') ?? '');
  if (path === '/bed/errors') return errors;
  if (path === '/bed/stalls') return stalls;
  if (path === '/bed/clock') {
    jumpClock(Number(query.get('byMs')));
    return Date.now();
  }
  return undefined;
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname.startsWith('/bed/')) {
    answer(pathname, searchParams).then(
      (value) => response.end(JSON.stringify(value ?? null)),
      (error: unknown) => response.writeHead(503).end(String(error)),
    );
    return;
  }
  hub.handle(request, response).then(
    (isOurs) => {
      if (!isOurs) response.writeHead(404).end('no such path');
    },
    (error: unknown) => {
      note({ code: 'unhandled', message: String(error) });
      response.destroy();
    },
  );
});
server.on('upgrade', (request, socket, head) => {
  if (!hub.upgrade(request, socket, head)) socket.destroy();
});
process.on('unhandledRejection', (error) => {
  console.error('unhandled rejection', error);
  process.exit(70);
});
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => console.log('listening'));

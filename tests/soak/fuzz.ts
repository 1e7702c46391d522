// One run of promise T12's fuzzing: frames that no client sends, through each of the hub's doors, over real sockets.
// What comes back must be an answer or a documented error with its own status or close code; the process, another
// client and the prototypes stay as they were. Owns the run; throws what fast-check found, with its seed.

import { ERROR_CODES, isErrorCode, type MillraceError } from '@millrace/protocol';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import {
  numbers,
  recordNumbers,
  startMatrixHub,
  type Transcript,
  upTo,
} from '../matrix/matrix-hub.ts';
import { heldBytes } from '../support/heap.ts';
import { until } from '../support/wait.ts';
import { badFrame } from './bad-frames.ts';

export interface FuzzOptions {
  readonly seed: number;
  /** Through each door. */
  readonly runs: number;
}

export interface FuzzReport {
  readonly seed: number;
  readonly sent: number;
  /** How often each code came back; `taken` where there was none. */
  readonly answers: Readonly<Record<string, number>>;
  readonly heldMegabytes: number;
}

type Door = (url: string, text: string) => Promise<string>;

export async function runFuzz({ seed, runs }: FuzzOptions): Promise<FuzzReport> {
  const defects: MillraceError[] = [];
  await using server = await startMatrixHub(
    {},
    {
      onError: (error) => void defects.push(error),
      limits: { maxHoldMs: 50, connectWithinMs: 2_000, maxPublishesPerSecond: 100_000 },
    },
  );
  await using witness = recordNumbers('witness', { url: server.directUrl });
  await until(() => witness.story.length > 0, { label: 'the witness' });
  const answers: Record<string, number> = {};
  const held = await heldBytes();
  let told = 0;
  for (const [name, door] of Object.entries(doors)) {
    await fc.assert(
      fc.asyncProperty(badFrame, async (text) => {
        const answer = await door(server.directUrl, text);
        answers[answer] = (answers[answer] ?? 0) + 1;
        const found = defects.map(({ code, message }) => `${code}: ${message}`);
        if (found.length > 0) throw new Error(`a defect, through ${name}: ${found.join()}`);
        if ('polluted' in {}) throw new Error(`a prototype was changed, through ${name}`);
      }),
      { numRuns: runs, seed },
    );
    told += 1;
    await server.hub.publish(numbers.of({ name: 'witness' }), {
      type: 'counted',
      data: { n: told },
    });
  }
  await checkWitness(witness, told);
  await until(() => (server.hub.stats().links['websocket'] ?? 0) === 1, { label: 'no link left' });
  return {
    seed,
    sent: runs * Object.keys(doors).length,
    answers,
    heldMegabytes: Math.round(((await heldBytes()) - held) / 1e5) / 10,
  };
}

async function checkWitness(witness: Transcript, told: number): Promise<void> {
  await until(() => witness.seen.length === told, { label: 'what the witness was told' });
  const expected = JSON.stringify(['exact', ...upTo(told)]);
  if (JSON.stringify(witness.story) !== expected || witness.errors.length > 0) {
    throw new Error(`the witness noticed: ${witness.story.join()} ${witness.errors.join()}`);
  }
}

const doors: Readonly<Record<string, Door>> = {
  'a WebSocket’s first message': (url, text) => overSocket(url, [text]),
  'a WebSocket’s later message': (url, text) => overSocket(url, [soundConnect(), text]),
  'the body of a stream': (url, text) => overPost(`${url}/sse`, text),
  'the body of a poll': (url, text) => overPost(`${url}/poll`, text),
  'the body of a publish': (url, text) => overPost(`${url}/publish`, text),
  'the body of ephemeral events': (url, text) => overPost(`${url}/ephemeral`, text),
  'the query of a plain stream': (url, text) => overGet(url, text),
};

function soundConnect(): string {
  const session = crypto.randomUUID().replaceAll('-', '');
  return JSON.stringify({ type: 'connect', protocol: 1, session, link: 1, channels: [] });
}

/** Sends, then asks for a beat: what is taken is followed by one, what is not by an end with its code. */
async function overSocket(url: string, texts: readonly string[]): Promise<string> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, 'millrace.1');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let code = '';
  socket.on('error', reject);
  socket.on('open', () => {
    for (const text of texts) socket.send(text);
    // A `connect` was among them or comes now; either way a probe is answered once there is one.
    socket.send('{"type":"probe"}');
  });
  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as {
      type: string;
      id?: number;
      error?: { code: string };
    };
    if (frame.type === 'error' && frame.id === undefined) code = frame.error?.code ?? 'nothing';
    if (frame.type === 'beat') resolve('taken');
  });
  socket.on('close', (closedWith) => {
    const traits = isErrorCode(code) ? ERROR_CODES[code] : undefined;
    if (traits === undefined) reject(new Error(`closed with ${closedWith} after "${code}"`));
    else if (![traits.close, 4400, 4500].includes(closedWith)) {
      reject(new Error(`${code} closed with ${closedWith}`));
    } else resolve(code);
  });
  const timer = setTimeout(() => reject(new Error('neither an answer nor an end')), 5_000);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.terminate();
  }
}

function overPost(url: string, body: string): Promise<string> {
  return overHttp(url, { method: 'POST', body });
}

function overGet(url: string, text: string): Promise<string> {
  // What `fetch` will not send (a lone surrogate) becomes what it sends instead: it is about the server.
  const query = new URLSearchParams({ channel: text, cursor: text, last: text, from: text });
  for (const name of [...query.keys()]) {
    if (text.length % 4 !== 0 && name !== 'channel') query.delete(name);
  }
  return overHttp(`${url}/events?${query.toString().slice(0, 4_000)}`, { method: 'GET' });
}

async function overHttp(url: string, init: RequestInit): Promise<string> {
  const abort = new AbortController();
  const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(5_000)]);
  const response = await fetch(url, { ...init, signal });
  try {
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) return 'taken';
    const answer: { error?: { code?: string } } = JSON.parse(await response.text());
    if (response.ok) return 'taken';
    const code = answer.error?.code;
    if (!isErrorCode(code) || ERROR_CODES[code].status !== response.status) {
      throw new Error(`status ${response.status} with ${JSON.stringify(answer)}`);
    }
    return code;
  } finally {
    abort.abort();
  }
}

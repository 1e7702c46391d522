// The servers of the delivery benches: how each is started, and how the load client speaks to it.
// Data only; starting is serve.ts, speaking bench/load.

import { join } from 'node:path';

export type Transport = 'websocket' | 'sse' | 'poll';

export type Step = readonly ['send' | 'expect', string];

/** How the load client speaks to a server; placeholders as in bench/load/template.c. */
export interface Speech {
  readonly transport: Transport;
  readonly path: string;
  readonly headers?: readonly string[];
  /** With a body the request is a POST. */
  readonly body?: string;
  /** After the handshake, in this order; then the connection counts as live. */
  readonly steps?: readonly Step[];
  /** A text that must be answered by the other at any time. */
  readonly pingPong?: readonly [string, string];
  /** Where the load client publishes itself; otherwise the server does, told by its control port. */
  readonly publishPath?: string;
  /** Has cursors of ours, to resume by. */
  readonly hasCursors?: boolean;
  /** Needs a token for each connection. */
  readonly hasTokens?: boolean;
}

export interface Contestant {
  /** In tables and charts. */
  readonly label: string;
  readonly runs:
    | {
        readonly by: 'node';
        readonly file: string;
        readonly env?: Readonly<Record<string, string>>;
      }
    | { readonly by: 'limit' | 'nchan' }
    | { readonly by: 'bun'; readonly file: string };
  /** @param channelsEach how many channels a connection reads */
  speech(channelsEach: number): Speech;
}

const folder = join(import.meta.dirname, '..');
const peer = (file: string): string => join(folder, 'peers', file);
const own = join(folder, 'servers', 'millrace.ts');

const connect = (extra = ''): string =>
  `{"type":"connect","protocol":1,"session":"%s","link":%l,"token":"%t",${extra}"channels":[%S]}`;
const ours = { hasCursors: true, hasTokens: true } as const;

/** The same steps for each channel, `%N` being the number of its N-th. */
function forEach(channelsEach: number, steps: (slot: number) => readonly Step[]): Step[] {
  return Array.from({ length: channelsEach }, (_, slot) => steps(slot)).flat();
}

const verdicts = (channelsEach: number): Step[] =>
  forEach(channelsEach, () => [['expect', '"verdict":"exact"']]);

const millraceWebSocket = (channelsEach: number): Speech => ({
  ...ours,
  transport: 'websocket',
  path: '/realtime/ws',
  headers: ['Sec-WebSocket-Protocol: millrace.1'],
  steps: [['send', connect()], ...verdicts(channelsEach)],
});

const millraceSse = (channelsEach: number): Speech => ({
  ...ours,
  transport: 'sse',
  path: '/realtime/sse',
  headers: ['Accept: text/event-stream'],
  body: connect(),
  steps: verdicts(channelsEach),
});

/** Of the peers that are ours to write. */
const plainWebSocket = (channelsEach: number): Speech => ({
  transport: 'websocket',
  path: '/',
  steps: forEach(channelsEach, (slot) => [
    ['send', `{"sub":"ch%${slot}"}`],
    ['expect', '"ok"'],
  ]),
});

const plainSse = (): Speech => ({ transport: 'sse', path: '/?ch=%c' });

export type ContestantName =
  | 'millrace-ws'
  | 'millrace-ws-streams'
  | 'millrace-sse'
  | 'millrace-sse-streams'
  | 'millrace-plain'
  | 'millrace-poll'
  | 'limit-ws'
  | 'limit-sse'
  | 'ws-naive'
  | 'ws-preframed'
  | 'socketio'
  | 'bun'
  | 'nchan-ws'
  | 'nchan-sse'
  | 'sse-naive'
  | 'better-sse'
  | 'poll-naive';

export const contestants: Readonly<Record<ContestantName, Contestant>> = {
  'millrace-ws': {
    label: 'Millrace, WebSocket',
    runs: { by: 'node', file: own },
    speech: millraceWebSocket,
  },
  'millrace-ws-streams': {
    label: 'Millrace, WebSocket, raw writes off',
    runs: { by: 'node', file: own, env: { DIRECT_WRITES: 'off' } },
    speech: millraceWebSocket,
  },
  'millrace-sse': {
    label: 'Millrace, SSE',
    runs: { by: 'node', file: own },
    speech: millraceSse,
  },
  'millrace-sse-streams': {
    label: 'Millrace, SSE, raw writes off',
    runs: { by: 'node', file: own, env: { DIRECT_WRITES: 'off' } },
    speech: millraceSse,
  },
  'millrace-plain': {
    label: 'Millrace, plain event stream',
    runs: { by: 'node', file: own },
    speech: () => ({
      transport: 'sse',
      path: '/realtime/events?channel=bench:%c',
      headers: ['Accept: text/event-stream', 'Authorization: Bearer %t'],
      hasTokens: true,
    }),
  },
  'millrace-poll': {
    label: 'Millrace, long-poll',
    runs: { by: 'node', file: own },
    speech: () => ({
      ...ours,
      transport: 'poll',
      path: '/realtime/poll',
      body: connect('"holdMs":600000,'),
    }),
  },
  'limit-ws': {
    label: 'kernel limit in C, WebSocket',
    runs: { by: 'limit' },
    speech: plainWebSocket,
  },
  'limit-sse': {
    label: 'kernel limit in C, SSE',
    runs: { by: 'limit' },
    speech: plainSse,
  },
  'ws-naive': {
    label: 'ws, client.send in a loop',
    runs: { by: 'node', file: peer('ws-naive.mjs') },
    speech: plainWebSocket,
  },
  'ws-preframed': {
    label: 'ws, frame built once, corked',
    runs: { by: 'node', file: peer('ws-preframed.mjs') },
    speech: plainWebSocket,
  },
  socketio: {
    label: 'Socket.IO',
    runs: { by: 'node', file: peer('socketio.mjs') },
    speech: (channelsEach) => ({
      transport: 'websocket',
      path: '/socket.io/?EIO=4&transport=websocket',
      steps: [
        ['expect', '0{'],
        ['send', '40'],
        ['expect', '40{'],
        ...forEach(channelsEach, (slot) => [
          ['send', `42["sub","ch%${slot}"]`],
          ['expect', '42["ok"'],
        ]),
      ],
      pingPong: ['2', '3'],
    }),
  },
  bun: {
    label: 'Bun, topics',
    runs: { by: 'bun', file: peer('bun.mjs') },
    speech: plainWebSocket,
  },
  'nchan-ws': {
    label: 'nginx nchan, WebSocket',
    runs: { by: 'nchan' },
    speech: () => ({ transport: 'websocket', path: '/sub/ch%c', publishPath: '/pub/ch%c' }),
  },
  'nchan-sse': {
    label: 'nginx nchan, SSE',
    runs: { by: 'nchan' },
    speech: () => ({
      transport: 'sse',
      path: '/sub/ch%c',
      headers: ['Accept: text/event-stream'],
      publishPath: '/pub/ch%c',
    }),
  },
  'sse-naive': {
    label: 'response.write in a loop',
    runs: { by: 'node', file: peer('sse-naive.mjs') },
    speech: plainSse,
  },
  'better-sse': {
    label: 'better-sse',
    runs: { by: 'node', file: peer('better-sse.mjs') },
    speech: plainSse,
  },
  'poll-naive': {
    label: 'response.end in a loop',
    runs: { by: 'node', file: peer('poll-naive.mjs') },
    speech: () => ({ transport: 'poll', path: '/poll?ch=%c&link=%l' }),
  },
};

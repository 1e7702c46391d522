// The command line of the load client, from how a server is spoken to and what is to be measured. Pure.

import type { Speech } from './contestants.ts';

export interface Load {
  readonly connections: number;
  /** Default 1. */
  readonly channels?: number;
  /** Channels that one connection reads. Default 1. */
  readonly channelsEach?: number;
  /** As in bench/load/phases.c, in this order. */
  readonly phases: readonly string[];
  /** Before a window counts. Default 1. */
  readonly warmupSeconds?: number;
  /** Connections that may be opening together. Default 128. */
  readonly connectingAtOnce?: number;
  /** Messages to each channel that a `storm` finds when it comes back. Default none. */
  readonly missed?: number;
}

export interface Target {
  readonly label: string;
  /** Of one server, or of several that take connections in turn. */
  readonly ports: readonly number[];
  readonly controlPort: number;
  /** Whose CPU and memory is the server's. */
  readonly pids: readonly number[];
  /** One token a line, for a speech that needs them. */
  readonly tokensFile: string;
}

export function loadArguments(speech: Speech, load: Load, target: Target): string[] {
  const pairs: (readonly [string, string | number])[] = [
    ['label', target.label],
    ...target.ports.map((port) => ['port', port] as const),
    ['transport', speech.transport],
    ['path', speech.path],
    ...(speech.body === undefined ? [] : [['body', speech.body] as const]),
    ...(speech.headers ?? []).map((header) => ['header', header] as const),
    ...(speech.steps ?? []),
    ...(speech.pingPong === undefined
      ? []
      : ([
          ['ping', speech.pingPong[0]],
          ['pong', speech.pingPong[1]],
        ] as const)),
    ...(speech.hasTokens ? [['tokens', target.tokensFile] as const] : []),
    ...(speech.publishPath === undefined
      ? [['control', `127.0.0.1:${target.controlPort}`] as const]
      : [['publish-path', speech.publishPath] as const]),
    ...target.pids.map((pid) => ['pid', pid] as const),
    ['connections', load.connections],
    ['channels', load.channels ?? 1],
    ['channels-each', load.channelsEach ?? 1],
    ...(mustTrack(speech, load) ? [['track', 1] as const] : []),
    ...(speech.hasCursors && load.missed !== undefined ? [['missed', load.missed] as const] : []),
    ['warmup-s', load.warmupSeconds ?? 1],
    ['connecting-at-once', load.connectingAtOnce ?? 128],
    ...load.phases.map((phase) => ['phase', phase] as const),
  ];
  return pairs.flatMap(([name, value]) => [`--${name}`, `${value}`]);
}

/** Following cursors costs the client CPU, so it is done only by those who come back with them. */
function mustTrack({ transport, hasCursors }: Speech, { phases, channelsEach = 1 }: Load): boolean {
  if (channelsEach > 1) return true;
  return hasCursors === true && (transport === 'poll' || phases.includes('storm'));
}

// Takes a socket away from the request and response that came on it, once the head of an endless answer is made: half of
// what an idle stream costs are those objects (9 KiB without them, 15 for `response.write`; bench idle-memory). Private parts of Node: all are looked at first, and where one
// is not as expected, or somebody else holds on to the response, it stays where it is and serves as well.
// Refuses to own: what is written afterwards. Rules: SSE-1.
//
// Node does the same for an upgrade: lib/_http_server.js, onParserExecuteCommon.

import { type IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

export interface Detached {
  readonly socket: Socket;
  /** The head of the answer, made but not sent. The body after it is chunked. */
  readonly head: string;
}

/** Node's listeners on a connection, by event and name: these and no others are taken off. */
const NODES_OWN = [
  ['close', 'bound socketOnClose'],
  ['data', 'bound socketOnData'],
  ['drain', 'bound socketOnDrain'],
  ['end', 'bound socketOnEnd'],
  ['error', 'socketOnError'],
  ['timeout', 'socketOnTimeout'],
  ['pause', 'onSocketPause'],
  ['resume', 'onSocketResume'],
] as const;

interface Parser {
  unconsume(): void;
  remove(): void;
  close(): void;
}

/**
 * The socket of a response whose head was given (`writeHead`) but not sent, or null where that is not safe: then
 * nothing was changed. `ownListeners`: how many listeners the caller itself has on the response's `close`.
 */
export function detachSocket(res: ServerResponse, ownListeners: number): Detached | null {
  const { req, socket } = res;
  if (socket === null || !isUntouched(res, ownListeners) || !isPlain(socket)) return null;
  const head = headOf(res);
  const parser = parserOf(socket, res);
  const listeners = nodesListeners(socket);
  if (head === null || parser === null || listeners === null) return null;
  res.removeAllListeners();
  res.detachSocket(socket);
  for (const [index, [event]] of NODES_OWN.entries()) {
    const listener = listeners[index];
    if (listener !== undefined) socket.removeListener(event, listener);
  }
  release(parser, req);
  Reflect.set(socket, 'parser', null);
  socket.setTimeout(0);
  return { socket, head };
}

/** Whether nobody stands between: what compresses or logs a response replaces a method, or waits for its end. */
function isUntouched(res: ServerResponse, ownListeners: number): boolean {
  const prototype = ServerResponse.prototype;
  return (
    res.write === prototype.write &&
    res.end === prototype.end &&
    res.req.httpVersion === '1.1' &&
    res.req.complete &&
    res.listenerCount('finish') === 1 &&
    res.listenerCount('close') === ownListeners &&
    res.req.listenerCount('close') === 0
  );
}

/** Plain TCP, with nothing waiting in either direction. */
function isPlain(socket: Socket): boolean {
  const isTls = 'encrypted' in socket;
  return socket instanceof Socket && !isTls && !socket.destroyed && socket.writableLength === 0;
}

function headOf(res: ServerResponse): string | null {
  const head: unknown = Reflect.get(res, '_header');
  const isUnsent = Reflect.get(res, '_headerSent') === false;
  const isWhole = typeof head === 'string' && head.endsWith('\r\n\r\n');
  return isUnsent && isWhole && res.chunkedEncoding ? head : null;
}

function parserOf(socket: Socket, res: ServerResponse): Parser | null {
  if (Reflect.get(socket, '_httpMessage') !== res) return null;
  const parser: unknown = Reflect.get(socket, 'parser');
  if (typeof parser !== 'object' || parser === null) return null;
  // Another request has arrived behind this one: its answer stands in the same queue.
  if (Reflect.get(parser, 'incoming') !== res.req) return null;
  return isParser(parser) ? parser : null;
}

function isParser(value: object): value is Parser {
  return ['unconsume', 'remove', 'close'].every(
    (name) => typeof Reflect.get(value, name) === 'function',
  );
}

type Listener = (...args: unknown[]) => void;

/** Null where one of them is missing. */
function nodesListeners(socket: Socket): Listener[] | null {
  const found: Listener[] = [];
  for (const [event, name] of NODES_OWN) {
    const listener = socket.rawListeners(event).find((one): one is Listener => one.name === name);
    if (listener === undefined) return null;
    found.push(listener);
  }
  return found;
}

/** Nothing of the parser may keep the request, nor the request the socket. */
function release(parser: Parser, req: IncomingMessage): void {
  parser.unconsume();
  parser.remove();
  for (const name of ['socket', 'incoming', 'outgoing', 'onIncoming'])
    Reflect.set(parser, name, null);
  Reflect.set(parser, '_headers', []);
  Reflect.set(req, 'socket', null);
  // Later, as Node does: this may run inside the parser's own reading, which goes on with it.
  setImmediate(() => parser.close());
}

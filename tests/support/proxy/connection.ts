// One client connection through the proxy: request after request, each under its own fault, with
// its upstream socket. Owns both sockets; the rules, the counting and the choice of target are the
// proxy's. A request head is read whole before the target hears of it, so a slow head cannot be
// tested through the proxy.
//
//   idle ── head ──► exchange ── both sides complete ──► idle
//                      └─ 101 ──► websocket      any ── cut, answered by us ──► deaf ──► closed

import type { Socket } from 'node:net';
import { answerOf } from './answer.ts';
import type { ProxyHappening } from './events.ts';
import { createHttpReader, type Head, type Segment } from './http-reader.ts';
import { createOutlet, type Pace } from './outlet.ts';
import type { CutHow, Fault, FaultMode, RequestClass, SeenRequest, StreamFault } from './rules.ts';
import { createShaper, type Shaper } from './shaper.ts';
import { openUpstream, type Target, type Upstream } from './upstream.ts';

export interface ConnectionInfo {
  /** 1, 2, 3 … in order of acceptance. */
  readonly id: number;
  /** Of the newest request; undefined before the first. */
  readonly class: RequestClass | undefined;
  readonly url: string | undefined;
  readonly mode: FaultMode | undefined;
  readonly isFrozen: boolean;
  /** A request is being answered, or an upgraded connection is up. */
  readonly isBusy: boolean;
}

export interface ProxiedConnection {
  info(): ConnectionInfo;
  freeze(): void;
  unfreeze(): void;
  cut(how: CutHow): void;
  /** False when there is no response to shape, or when frames were already swallowed. */
  impose(fault: StreamFault): boolean;
  destroy(): void;
}

export interface ConnectionSurroundings {
  /** Where the next request goes; undefined = off. The same object as long as the target is the same. */
  target(): Target | undefined;
  decide(head: Head): { request: SeenRequest; fault: Fault };
  record(happening: ProxyHappening): void;
  count(direction: 'up' | 'down', bytes: number): void;
}

interface Exchange {
  readonly request: SeenRequest;
  mode: FaultMode;
  shaper: Shaper;
  isRequestDone: boolean;
  isResponseDone: boolean;
  hasFinalHead: boolean;
}

type Phase =
  | { readonly at: 'idle' | 'tunnel' | 'deaf' | 'closed' }
  | { readonly at: 'exchange' | 'websocket'; readonly exchange: Exchange };

export function createProxiedConnection(options: {
  readonly id: number;
  readonly client: Socket;
  /** Reads and never answers. */
  readonly startsDeaf: boolean;
  readonly surroundings: ConnectionSurroundings;
}): ProxiedConnection {
  const { id, client, surroundings } = options;
  const requests = createHttpReader(() => 'by-headers');
  const down = createOutlet(client, () => settleReading());
  let phase: Phase = { at: options.startsDeaf ? 'deaf' : 'idle' };
  let upstream: Upstream | undefined;
  let newest: Exchange | undefined;
  let isFrozen = false;
  let deferred: (() => void)[] = [];

  /** What happens to a frozen connection is not told to its other side before it thaws. */
  function whenThawed(run: () => void): void {
    if (isFrozen) deferred.push(run);
    else run();
  }

  function settleReading(): void {
    setReading(client, !isFrozen && upstream?.outlet.isFull() !== true);
    if (upstream) setReading(upstream.socket, !isFrozen && !down.isFull());
  }

  function pumpRequests(): void {
    while (!isFrozen && phase.at !== 'deaf' && phase.at !== 'closed') {
      if (phase.at === 'exchange' && phase.exchange.isRequestDone) break;
      const segment = requests.next();
      if (segment === undefined) break;
      takeRequest(segment);
    }
    settleReading();
  }

  function takeRequest(segment: Segment): void {
    switch (segment.kind) {
      case 'head':
        return begin(segment.head, segment.bytes);
      case 'body':
        if (phase.at === 'websocket' && phase.exchange.shaper.swallowsRequest) return;
        return upstream?.outlet.write(segment.bytes);
      case 'end':
        if (phase.at === 'exchange') phase.exchange.isRequestDone = true;
        return settleExchange();
      case 'rubbish':
        phase = { at: 'tunnel' };
        return reachTarget()?.outlet.write(segment.bytes);
    }
  }

  function begin(head: Head, bytes: Buffer): void {
    const { request, fault } = surroundings.decide(head);
    const { class: kind, method, url } = request;
    surroundings.record({ type: 'request', class: kind, method, url, mode: fault.mode });
    newest = {
      request,
      mode: fault.mode,
      shaper: createShaper(fault, orders),
      isRequestDone: false,
      isResponseDone: false,
      hasFinalHead: false,
    };
    down.pace(paceOf(fault));
    if (fault.mode === 'refuse') return cutAfterQueue('rst');
    if (fault.mode === 'blackhole') return becomeDeaf();
    if (fault.mode === 'status') {
      surroundings.record({ type: 'response', class: kind, status: fault.status });
      down.write(answerOf(fault));
      return cutAfterQueue('fin');
    }
    phase = { at: 'exchange', exchange: newest };
    const reached = reachTarget();
    reached?.outlet.pace({ ...paceOf(fault), dripEveryMs: 0 });
    reached?.outlet.write(bytes);
  }

  /** The socket to the present target: kept alive between requests, new when the target changed. */
  function reachTarget(): Upstream | undefined {
    const target = surroundings.target();
    if (target === undefined) {
      surroundings.record({ type: 'target-off' });
      cutAfterQueue('rst');
      return undefined;
    }
    if (upstream?.target === target && upstream.socket.writable) return upstream;
    dropUpstream('fin');
    const opened = openUpstream(target, {
      onBytes(bytes) {
        surroundings.count('down', bytes.length);
        whenThawed(() => {
          opened.responses.push(bytes);
          pumpResponses();
        });
      },
      onClosed(how, reason) {
        if (reason !== undefined) surroundings.record({ type: 'target-broke', reason });
        whenThawed(() => {
          if (upstream === opened) targetClosed(how);
        });
      },
      onRelief: settleReading,
      bodyRule: (head) => responseBody(head, newest?.request.method),
    });
    upstream = opened;
    return opened;
  }

  function pumpResponses(): void {
    while (!isFrozen && upstream && phase.at !== 'deaf' && phase.at !== 'closed') {
      const segment = upstream.responses.next();
      if (segment === undefined) break;
      takeResponse(segment);
    }
    settleReading();
  }

  function takeResponse(segment: Segment): void {
    if (phase.at !== 'exchange' && phase.at !== 'websocket') {
      if (segment.kind !== 'end') down.write(segment.bytes);
      return;
    }
    const { exchange } = phase;
    switch (segment.kind) {
      case 'head':
        return takeResponseHead(exchange, segment.head, segment.bytes);
      case 'body':
        return exchange.shaper.piece(segment);
      case 'rubbish':
        return down.write(segment.bytes);
      case 'end':
        // The end of a 100 Continue or 103 is not the end of the answer.
        if (exchange.hasFinalHead) exchange.isResponseDone = exchange.shaper.end();
        return settleExchange();
    }
  }

  function takeResponseHead(exchange: Exchange, head: Head, bytes: Buffer): void {
    const status = Number(head.start[1]);
    if (status < 200 && status !== 101) return down.write(bytes);
    exchange.hasFinalHead = true;
    surroundings.record({ type: 'response', class: exchange.request.class, status });
    if (status === 101) {
      phase = { at: 'websocket', exchange };
      requests.becomeWebSocket();
      upstream?.responses.becomeWebSocket();
    }
    exchange.shaper.head(bytes, status);
    if (status === 101) pumpRequests();
  }

  function settleExchange(): void {
    if (phase.at !== 'exchange') return;
    if (!phase.exchange.isRequestDone || !phase.exchange.isResponseDone) return;
    phase = { at: 'idle' };
    pumpRequests();
  }

  function targetClosed(how: CutHow): void {
    const exchange = 'exchange' in phase ? phase.exchange : undefined;
    if (how === 'fin' && upstream?.responses.finish() && exchange?.hasFinalHead) {
      exchange.isResponseDone = exchange.shaper.end();
    }
    dropUpstream(how);
    if (exchange !== undefined && !exchange.shaper.tellsClose()) return;
    down.finish(how);
    becomeDeaf();
  }

  function cutAfterQueue(how: CutHow): void {
    surroundings.record({ type: 'cut', how });
    down.finish(how);
    dropUpstream(how);
    becomeDeaf();
  }

  function becomeDeaf(): void {
    if (phase.at !== 'closed') phase = { at: 'deaf' };
    settleReading();
  }

  function dropUpstream(how: CutHow): void {
    upstream?.drop(how);
    upstream = undefined;
  }

  function freeze(): void {
    if (isFrozen || phase.at === 'closed') return;
    isFrozen = true;
    down.hold();
    upstream?.outlet.hold();
    surroundings.record({ type: 'freeze' });
    settleReading();
  }

  function unfreeze(): void {
    if (!isFrozen) return;
    isFrozen = false;
    surroundings.record({ type: 'unfreeze' });
    down.release();
    upstream?.outlet.release();
    pumpResponses();
    pumpRequests();
    while (!isFrozen && deferred.length > 0) deferred.shift()?.();
  }

  const orders = {
    pass: (bytes: Buffer): void => down.write(bytes),
    cut: cutAfterQueue,
    freeze,
  };

  client.on('data', (bytes: Buffer) => {
    surroundings.count('up', bytes.length);
    whenThawed(() => {
      if (phase.at === 'deaf' || phase.at === 'closed') return;
      requests.push(bytes);
      pumpRequests();
    });
  });
  client.on('end', () =>
    whenThawed(() => {
      if (upstream) upstream.outlet.finish('fin');
      else down.finish('fin');
    }),
  );
  client.on('error', () => whenThawed(() => dropUpstream('rst')));
  client.on('close', () =>
    whenThawed(() => {
      dropUpstream('fin');
      down.close();
      phase = { at: 'closed' };
      surroundings.record({ type: 'close' });
    }),
  );
  settleReading();

  return {
    info: () => ({
      id,
      class: newest?.request.class,
      url: newest?.request.url,
      mode: newest?.mode,
      isFrozen,
      isBusy: 'exchange' in phase,
    }),
    freeze,
    unfreeze,
    cut(how) {
      if (phase.at === 'closed') return;
      surroundings.record({ type: 'cut', how });
      isFrozen = false;
      down.close();
      dropUpstream(how);
      becomeDeaf();
      if (how === 'rst') client.resetAndDestroy();
      else client.end();
      for (const run of deferred.splice(0)) run();
    },
    impose(fault) {
      if (!('exchange' in phase) || !phase.exchange.shaper.release()) return false;
      const { exchange } = phase;
      surroundings.record({ type: 'imposed', mode: fault.mode });
      exchange.mode = fault.mode;
      exchange.shaper = createShaper(fault, orders);
      down.pace(paceOf(fault));
      upstream?.outlet.pace({ ...paceOf(fault), dripEveryMs: 0 });
      // Its head is through, so a count of zero is reached now.
      if (fault.mode === 'freeze' && (fault.afterFrames ?? 0) <= 0) freeze();
      if (fault.mode === 'close-after-frames' && fault.frames <= 0)
        cutAfterQueue(fault.how ?? 'fin');
      return true;
    },
    destroy() {
      isFrozen = false;
      deferred = [];
      client.destroy();
      upstream?.socket.destroy();
    },
  };
}

function setReading(socket: Socket, wanted: boolean): void {
  if (wanted && socket.isPaused()) socket.resume();
  if (!wanted && !socket.isPaused()) socket.pause();
}

function responseBody(head: Head, method: string | undefined): 'none' | 'by-headers-or-close' {
  const status = Number(head.start[1]);
  const isBodiless = status < 200 || status === 204 || status === 304 || method === 'HEAD';
  return isBodiless ? 'none' : 'by-headers-or-close';
}

function paceOf(fault: Fault): Pace {
  return {
    latencyMs: fault.latencyMs ?? 0,
    dripEveryMs: fault.mode === 'drip' ? (fault.everyMs ?? 4) : 0,
  };
}

// The probes' server: a bare node:http server with the hub mounted as any application would mount
// it, the probe page, and an echo for a page's own POST. No product code beside the hub.

import { createServer } from 'node:http';
import type { Cursor, Limits, MillraceError } from '@millrace/protocol';
import { createHub, type Engine, type Hub, memoryEngine } from '@millrace/server';
import { probeScript } from './bundle.ts';
import { probeContracts, probes, shortProbes } from './contract.ts';

export interface ProbeServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Default: memory. */
  readonly engine?: Engine;
  readonly limits?: Partial<Limits>;
  /** Without a page no bundle is built. Default true. */
  readonly hasPage?: boolean;
}

export interface ProbeServer extends AsyncDisposable {
  readonly port: number;
  readonly hub: Hub;
  readonly engine: Engine;
  /** What went to the hub's one sink. */
  readonly errors: readonly MillraceError[];
  publish(id: string, n: number): Promise<Cursor>;
  /** To the channel that keeps five events only. */
  publishShort(id: string, n: number): Promise<Cursor>;
  close(): Promise<void>;
}

const html =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>Probe</title>' +
  '<link rel="icon" href="data:,"><script type="module" src="/probe.js"></script></html>';

export async function startProbeServer(options: ProbeServerOptions = {}): Promise<ProbeServer> {
  const { engine = memoryEngine(), limits = {}, hasPage = true } = options;
  const script = hasPage ? await probeScript() : '';
  const errors: MillraceError[] = [];
  const hub = createHub({
    contracts: Object.values(probeContracts),
    engine,
    // One address plays hundreds of users here.
    limits: { maxPublishesPerSecond: 5_000, maxLinksPerAddress: 5_000, ...limits },
    onError: (error) => void errors.push(error),
  });
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (path === '/') return void response.setHeader('content-type', 'text/html').end(html);
    if (path === '/probe.js') {
      return void response.setHeader('content-type', 'text/javascript').end(script);
    }
    if (path === '/echo') return void request.pipe(response);
    if (path === '/stats') return void response.end(JSON.stringify(hub.stats()));
    hub.handle(request, response).then(
      (isOurs) => {
        if (!isOurs) response.writeHead(404).end('no such path');
      },
      (error: unknown) => {
        errors.push(error as MillraceError);
        response.destroy();
      },
    );
  });
  server.on('upgrade', (request, socket, head) => {
    if (!hub.upgrade(request, socket, head)) socket.destroy();
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(options.port ?? 0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  let closing: Promise<void> | undefined;
  async function end(): Promise<void> {
    await hub.close({ graceMs: 0 });
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    server.closeAllConnections();
    await closed.promise;
    await engine.close();
  }
  const close = (): Promise<void> => {
    closing ??= end();
    return closing;
  };
  const tick = (n: number) => ({ type: 'tick', data: { n, sentAt: Date.now() } }) as const;
  return {
    port: address.port,
    hub,
    engine,
    errors,
    publish: (id, n) => hub.publish(probes.of({ id }), tick(n)),
    publishShort: (id, n) => hub.publish(shortProbes.of({ id }), tick(n)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

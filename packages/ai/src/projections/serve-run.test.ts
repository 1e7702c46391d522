// A run over HTTP to readers that are slow, or come late to a long one.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { aiRuns, type RunWrite } from '@millrace/protocol/runs';
import { createHub, type Hub } from '@millrace/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../testing/run-bed.ts';
import { serveRun } from './serve-run.ts';

const channel = aiRuns.of({ runId: 'r1' });
const ids = { conversationId: 'c', messageId: 'm' };
const begun: readonly RunWrite[] = [
  { type: 'run-accepted', data: ids },
  { type: 'run-start', data: { ...ids, model: 'any' } },
  { type: 'step-start', data: { part: 0 } },
  { type: 'text-start', data: { part: 1 } },
];
const said = (text: string): RunWrite => ({ type: 'text-delta', data: { part: 1, text } });
/** Only texts are told. */
const told = {
  key: 'texts',
  project: (_: unknown, { type, data }: RunWrite) => (type === 'text-delta' ? [data.text] : []),
};

let hub: Hub;
/** Where a response was given up before its head. */
let failures: unknown[];
let server: Server;
let port: number;
/** What became of each response, by its path. */
let over: Map<string, boolean>;

beforeEach(async () => {
  over = new Map();
  failures = [];
  hub = createHub({ contracts: [aiRuns] });
  server = createServer((req, res) => {
    const path = req.url ?? '';
    over.set(path, false);
    const headers: Record<string, string> = path === '/bad' ? { 'X-Bad': 'a\nb' } : {};
    const options = { runId: 'r1', told, slowAfterMs: 200, heartbeatMs: 20, headers };
    serveRun(hub, res, options).then(
      () => over.set(path, true),
      (error: unknown) => {
        failures.push(error);
        res.writeHead(500).end();
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await hub.close();
});

describe('a run over HTTP', () => {
  test('VIEW-1: a reader that takes nothing in is cut off, and others have everything', async () => {
    for (const event of begun) await hub.publish(channel, event);
    const stuck = connect(port, '127.0.0.1').on('error', () => undefined);
    stuck.pause().write('GET /stuck HTTP/1.1\r\nHost: any\r\n\r\n');
    const response = await fetch(`http://127.0.0.1:${port}/quick`);
    await waitFor('both', () => over.size === 2);
    const text = response.text();
    const long = '😀'.repeat(10_000);
    // More than the kernel takes for a reader.
    for (let n = 0; n < 400; n += 1) await hub.publish(channel, said(long));
    await waitFor('the cut', () => over.get('/stuck') === true);
    expect(over.get('/quick')).toBe(false);
    await hub.end(channel);
    expect((await text).split(long)).toHaveLength(401);
    stuck.destroy();
  });

  test('VIEW-1: a head that can’t be made is the route’s to answer', async () => {
    expect((await fetch(`http://127.0.0.1:${port}/bad`)).status).toBe(500);
    expect(failures).toHaveLength(1);
    await waitFor('nobody', () => hub.stats().subscriptions === 0);
    await hub.close();
    expect((await fetch(`http://127.0.0.1:${port}/late`)).status).toBe(500);
    expect(failures[1]).toMatchObject({ code: 'server/shutdown' });
    // Nothing of either beats on: what a timer throws would end this.
    await new Promise((resolve) => setTimeout(resolve, 60));
  });

  test('RUN-11: a long text comes to who is late as it is, whatever its letters', async () => {
    const long = 'aé😀'.repeat(6_000);
    for (const event of [...begun, said(long), said(long)]) await hub.publish(channel, event);
    await hub.end(channel);
    const text = await (await fetch(`http://127.0.0.1:${port}/late`)).text();
    const [, data = ''] = /^data: (.*)$/m.exec(text) ?? [];
    expect(JSON.parse(data)).toBe(long + long);
  });
});

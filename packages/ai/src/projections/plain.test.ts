// Plain events: put together as a page does, live, late, and cut off at any place and come back, they are the answer.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  aiRuns,
  EMPTY_RUN,
  foldRun,
  type RunState,
  type RunWrite,
  textOfRun,
} from '@millrace/protocol/runs';
import { createHub, type Hub } from '@millrace/server';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runOfNumbers } from '../testing/run-of-numbers.ts';
import {
  encodePlainEventId,
  missedOf,
  type PlainEvent,
  readPlainEventId,
  toPlainEvents,
  wholeOf,
} from './plain.ts';
import { servePlainRun } from './serve-plain.ts';

const ids = { conversationId: 'c', messageId: 'm' };
const begun: readonly RunWrite[] = [
  { type: 'run-accepted', data: ids },
  { type: 'run-start', data: { ...ids, model: 'any' } },
  { type: 'step-start', data: { part: 0 } },
  { type: 'text-start', data: { part: 1 } },
];
const said = (text: string): RunWrite => ({ type: 'text-delta', data: { part: 1, text } });
const usage = { inputTokens: 0, outputTokens: 0, isEstimated: false };
const ended: RunWrite = {
  type: 'run-end',
  data: { status: 'completed', finishReason: 'stop', error: null, ...usage },
};

const foldAll = (events: readonly RunWrite[]): RunState =>
  events.reduce((state, event) => foldRun(state, event), EMPTY_RUN);

function tell(events: readonly RunWrite[], from: RunState = EMPTY_RUN): readonly PlainEvent[] {
  let state = from;
  return events.flatMap((event) => {
    const told = toPlainEvents(state, event, 'r1');
    state = foldRun(state, event);
    return told;
  });
}

/** What a page has: the answer, and each call as it stood last. */
function pageOf(events: readonly PlainEvent[]) {
  let text = '';
  let end: PlainEvent | null = null;
  const tools = new Map<string, PlainEvent>();
  for (const event of events) {
    if (event.type === 'token') text += event.content;
    else if (event.type === 'reset') {
      text = event.content;
      tools.clear();
    } else if (event.type === 'tool') tools.set(event.callId, event);
    else if (event.type !== 'accepted') end = event;
  }
  return { text, end, tools: [...tools.values()].map((tool) => JSON.stringify(tool)).sort() };
}

const run = fc.array(fc.nat(999), { maxLength: 80 }).map(runOfNumbers);

describe('plain events', () => {
  test('PLAINRUN-1: they are the answer, its calls and its end, live and for who comes late', () => {
    fc.assert(
      fc.property(run, fc.nat(), (events, place) => {
        const cut = place % (events.length + 1);
        const state = foldAll(events);
        const live = pageOf(tell(events));
        expect(live.text).toBe(textOfRun(state));
        const content = live.end?.type === 'done' ? live.end.content : live.text;
        expect(content).toBe(textOfRun(state));
        const before = foldAll(events.slice(0, cut));
        const { repeatable, text, end } = wholeOf(before, 'r1');
        const first = [
          ...repeatable,
          ...(text === null ? [] : [text]),
          ...(end === null ? [] : [end]),
        ];
        const late = [...first, ...tell(events.slice(cut), before)];
        expect(pageOf(late)).toEqual(live);
      }),
    );
  });

  test('PLAINRUN-2: who is cut off at any place and comes back at any later one has no word twice and none missing', () => {
    fc.assert(
      fc.property(run, fc.nat(), fc.nat(), fc.boolean(), (events, one, other, isKept) => {
        const cut = one % (events.length + 1);
        const back = cut + (other % (events.length + 1 - cut));
        const state = foldAll(events.slice(0, back));
        const log = isKept ? events.slice(cut, back) : null;
        const { repeatable, text, end } = missedOf(log, state);
        const all = [
          ...tell(events.slice(0, cut)),
          ...repeatable,
          ...(text === null ? [] : [text]),
          ...(end !== null && cut < events.length ? [end] : []),
          ...tell(events.slice(back), state),
        ];
        const live = pageOf(tell(events));
        expect(pageOf(all)).toEqual(live);
        const tokens = repeatable.filter(({ type }) => type === 'token');
        expect(tokens).toEqual([]);
      }),
    );
  });

  test('PLAINRUN-3: a step that begins anew takes back what it told', () => {
    const again: readonly RunWrite[] = [
      { type: 'run-resumed', data: { ...ids, attempt: 2, model: 'any' } },
      { type: 'step-reset', data: { part: 0 } },
    ];
    expect(tell([...begun, ...again]).map(({ type }) => type)).toEqual(['accepted']);
    expect(tell([...begun, said('It made 99'), ...again]).at(-1)).toEqual({
      type: 'reset',
      content: '',
    });
  });

  test('PLAINRUN-4: an id names the run and the place, and what is none is null', () => {
    const id = { runId: 'a~b c', cursor: { epoch: 'e', offset: 7 as never } };
    expect(readPlainEventId(encodePlainEventId(id))).toEqual(id);
    expect(readPlainEventId(encodePlainEventId({ ...id, cursor: null }))).toEqual({
      ...{ ...id, cursor: null },
    });
    for (const text of ['', 'e.7', '~e.7', 'r~e', 'r~e.-1', '%E0%A4%A~e.7', undefined, ['r~e.7']]) {
      expect(readPlainEventId(text)).toBeNull();
    }
  });
});

describe('plain events over HTTP', () => {
  let hub: Hub;
  let server: Server;
  let url: string;

  beforeEach(async () => {
    hub = createHub({ contracts: [aiRuns] });
    server = createServer((req, res) => {
      const lastEventId = req.headers['last-event-id'];
      void servePlainRun(hub, res, { runId: 'r1', lastEventId });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await hub.close();
  });

  async function write(events: readonly RunWrite[]): Promise<void> {
    for (const event of events) await hub.publish(aiRuns.of({ runId: 'r1' }), event);
    if (events.at(-1) === ended) await hub.end(aiRuns.of({ runId: 'r1' }));
  }

  interface Block {
    readonly id: string;
    readonly event: PlainEvent | null;
  }

  /** Blocks until one fits, or all of them. */
  async function read(id: string, isLast: (block: Block) => boolean = () => false) {
    const halt = new AbortController();
    const headers: Record<string, string> = id === '' ? {} : { 'last-event-id': id };
    const response = await fetch(url, { headers, signal: halt.signal });
    const blocks: Block[] = [];
    let text = '';
    const body = response.body?.pipeThrough(new TextDecoderStream());
    for await (const chunk of body ?? []) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const lines = text.slice(0, end).split('\n');
        text = text.slice(end + 2);
        const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `));
        const data = field('data')?.slice(6);
        const event = data === undefined ? null : (JSON.parse(data) as PlainEvent);
        const at = field('id')?.slice(4);
        if (at === undefined) continue;
        blocks.push({ id: at, event });
        if (!isLast({ id: at, event })) continue;
        halt.abort();
        return { status: response.status, blocks, pages: blocks.flatMap((b) => b.event ?? []) };
      }
    }
    return { status: response.status, blocks, pages: blocks.flatMap((b) => b.event ?? []) };
  }

  test('PLAINRUN-4: there is an id before there is any event, and every block has one', async () => {
    const { blocks } = await read('', () => true);
    expect(blocks).toEqual([{ id: 'r1~', event: null }]);
    expect(readPlainEventId(blocks[0]?.id)).toEqual({ runId: 'r1', cursor: null });
    // Who has had nothing of a run that has said nothing comes back to it.
    const waiting = await read('r1~', ({ id }) => id !== 'r1~');
    const again = read(waiting.blocks.at(-1)?.id ?? '');
    await write([...begun, ended]);
    expect((await again).pages[0]).toEqual({ type: 'accepted', runId: 'r1', messageId: 'm' });
  });

  test('PLAINRUN-2: who comes back is told what it has not had, and after the end nothing: status 204', async () => {
    await write([...begun, said('It ma')]);
    const first = await read('', ({ event }) => event?.type === 'token');
    expect(first.pages).toEqual([
      { type: 'accepted', runId: 'r1', messageId: 'm' },
      { type: 'token', content: 'It ma' },
    ]);
    await write([said('de '), said('23')]);
    const second = await read(first.blocks.at(-1)?.id ?? '', ({ event }) => event !== null);
    expect(second.pages).toEqual([{ type: 'token', content: 'de 23' }]);
    await write([said('.'), ended]);
    const third = await read(second.blocks.at(-1)?.id ?? '', ({ event }) => event !== null);
    expect(third.pages).toEqual([{ type: 'token', content: '.' }]);
    const fourth = await read(third.blocks.at(-1)?.id ?? '');
    const done = { type: 'done', messageId: 'm', content: 'It made 23.' };
    expect(fourth.pages).toEqual([done]);
    expect(await read(fourth.blocks.at(-1)?.id ?? '')).toMatchObject({ status: 204, blocks: [] });
    // A reader that came just now, and one with the id of another run, have all of it.
    for (const id of ['', 'r2~e.7']) {
      expect((await read(id)).pages.slice(1)).toEqual([
        { type: 'token', content: 'It made 23.' },
        done,
      ]);
    }
  });

  test('PLAINRUN-2: where the log is gone the answer so far takes the place of what was told', async () => {
    await write([...begun, said('It made 23.')]);
    const back = await read('r1~another-epoch.5', ({ event }) => event !== null);
    expect(back.pages).toEqual([{ type: 'reset', content: 'It made 23.' }]);
  });
});

// Desk killed (kill -9) in the middle of a stream of messages: what it had accepted is there after
// the restart, and everybody who was watching has it once and in order, by the page and by a client.
import { createClient } from '@millrace/client';
import { agentMessages } from '@millrace/protocol/channels';
import { expect, test } from 'vitest';
import { openChromium } from '../support/chromium.ts';
import { until } from '../support/wait.ts';
import { showsWhatIsStored } from './desk/read-floor.ts';
import { startDesk } from './desk/start-desk.ts';

interface Told {
  readonly id: string;
  readonly place: string;
}

/** All that is stored, page after page from `after`: what the polling fallback would read. */
async function readAll(url: string, after: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let next = after; ; ) {
    const response = await fetch(`${url}/api/chat/messages?limit=200&after=${next}`);
    const page = (await response.json()) as {
      messages: { id: string }[];
      next: string;
      hasMore: boolean;
    };
    ids.push(...page.messages.map(({ id }) => id));
    if (!page.hasMore) return ids;
    next = page.next;
  }
}

// Longer than each of its waits together: who waits says what for.
test('A7: killed in the middle of a stream of messages, Desk loses none that it accepted and doubles none', async () => {
  await using desk = await startDesk({ CHAT_EVERY_MS: '60' });
  await using chromium = await openChromium();
  await using user = await chromium.newPage();
  await user.page.goto(desk.url);

  const told: Told[] = [];
  const verdicts: string[] = [];
  let begin = '';
  await using client = createClient({ url: `${desk.url}/realtime`, beatMs: 2_000 });
  client.subscribe(agentMessages.of(), {
    onVerdict(verdict) {
      verdicts.push(verdict.verdict);
      if (begin === '' && 'cursor' in verdict) {
        begin = `${verdict.cursor.epoch}.${verdict.cursor.offset}`;
      }
    },
    onEvent: ({ data }, { epoch, offset }) =>
      told.push({ id: data.id, place: `${epoch}.${offset}` }),
  });
  await until(() => told.length > 100, { label: 'a stream of messages', deadlineMs: 40_000 });

  // Once more in the middle, then on into quiet, so that there is an end to compare.
  await desk.restartWith({});
  const afterFirst = told.length;
  await until(() => told.length > afterFirst + 100, {
    label: 'the stream goes on',
    deadlineMs: 60_000,
  });
  await desk.restartWith({ CHAT_EVERY_MS: '0' });

  await until(async () => told.at(-1)?.id === (await readAll(desk.url, begin)).at(-1), {
    label: 'the client to have the last message',
    deadlineMs: 80_000,
    everyMs: 200,
  });
  const stored = await readAll(desk.url, begin);
  expect(told.map(({ id }) => id)).toEqual(stored);
  expect(new Set(stored).size).toBe(stored.length);
  expect(new Set(verdicts)).toEqual(new Set(['exact']));
  const [epoch, offset] = begin.split('.');
  expect(told.map(({ place }) => place)).toEqual(
    told.map((_, n) => `${epoch}.${Number(offset) + 1 + n}`),
  );

  await showsWhatIsStored(user.page, desk.url, 80_000);
  expect(user.pageErrors).toEqual([]);
  console.info(`Desk killed twice among ${told.length} messages: each once, in order`);
}, 400_000);

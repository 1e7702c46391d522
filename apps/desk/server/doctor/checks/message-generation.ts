// Spec A2 from outside: agents write on demand, and each message reaches every carrier once.

import * as z from 'zod';
import { FIX_BUFFERING } from '../advice.ts';
import { type Check, type Examination, fail, type Outcome, pass } from '../check.ts';
import { type Carrier, type LiveLink, openLiveLink } from '../live-link.ts';
import { createMessageWatch, type MessageWatch } from '../message-watch.ts';
import { messageSchema, openPlainLink } from '../plain-link.ts';
import { askJson } from '../request.ts';

const generatedSchema = z.object({ success: z.literal(true), messages: z.array(messageSchema) });

const DELIVERED_WITHIN_MS = 5_000;
const GENERATED_WITHIN_MS = 31_000;
const NEXT_MESSAGE_WITHIN_MS = 40_000;

export const messageGeneration: Check = {
  name: 'Message Generation',
  async run(examination) {
    const { options, say } = examination;
    const plain = createMessageWatch(({ type, agentId }) =>
      say(`Message received: type=${type}, agentId=${agentId}`),
    );
    const stream = await openPlainLink(options.url, plain);
    if ('outcome' in stream) return stream.outcome;
    const watches = new Map<string, MessageWatch>([['plain SSE', plain]]);
    const links: LiveLink[] = [];
    const open = async (carrier: Carrier): Promise<void> => {
      const watch = createMessageWatch();
      const link = await openLiveLink(carrier, { url: options.url, watch, withinMs: 8_000 });
      // A carrier that cannot connect has failed its own check already.
      if ('error' in link) return;
      links.push(link);
      watches.set(carrier, watch);
    };
    await Promise.all([open('websocket'), open('sse'), open('poll')]);
    try {
      return options.isGenerating
        ? await generate(examination, watches, links)
        : await waitForOne(plain);
    } finally {
      await Promise.all([stream.close(), ...links.map((link) => link.close())]);
    }
  },
};

async function generate(
  { options, say }: Examination,
  watches: ReadonlyMap<string, MessageWatch>,
  links: readonly LiveLink[],
): Promise<Outcome> {
  const asked = await askJson(`${options.url}/api/chat/generate`, generatedSchema, {
    method: 'POST',
    token: options.token,
    withinMs: GENERATED_WITHIN_MS,
  });
  if ('outcome' in asked) return asked.outcome;
  const answeredAt = performance.now();
  const ids = asked.value.messages.map(({ id }) => id);
  say(`Generated ${ids.length} messages`);
  for (const [name, watch] of watches) {
    const missing = await watch.missing(ids, DELIVERED_WITHIN_MS);
    if (missing.length > 0) {
      return fail(
        `${missing.length} of ${ids.length} messages did not come over ${name}.`,
        FIX_BUFFERING,
      );
    }
    if (watch.doubled.length > 0) return fail(`Messages came twice over ${name}.`, FIX_BUFFERING);
  }
  const last = Math.max(
    ...[...watches.values()].flatMap((watch) => ids.map((id) => watch.seenAt(id) ?? 0)),
  );
  const after = Math.round(last - answeredAt);
  const when = after <= 0 ? 'before the answer' : `${after} ms after the answer`;
  const trips = links.flatMap((link) => {
    const ms = link.latencyMs();
    return ms === null ? [] : [`${link.carrier} ${Math.round(ms)} ms`];
  });
  say(
    `Latency: every message on every carrier ${when}; round trips: ${trips.join(', ') || 'not measured'}`,
  );
  return pass(`${ids.length} messages in ${asked.ms} ms, on ${[...watches.keys()].join(', ')}`);
}

/** Without a generation: agents speak by themselves, so one message must come in a while. */
async function waitForOne(plain: MessageWatch): Promise<Outcome> {
  const endsAt = performance.now() + NEXT_MESSAGE_WITHIN_MS;
  while (plain.count === 0 && performance.now() < endsAt) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  if (plain.count > 0) return pass('not triggered (--no-generate); a live message came');
  return { result: 'SKIP', why: '--no-generate, and no agent spoke within 40 s' };
}

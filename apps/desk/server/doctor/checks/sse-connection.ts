// Spec A1 from outside: the plain stream opens at once, beats, and nothing between holds it back.

import { FIX_BUFFERING, FIX_NOT_DESK } from '../advice.ts';
import { type Check, fail, type Outcome, pass } from '../check.ts';
import { ask, whyNot } from '../request.ts';
import { readStream } from '../stream-reader.ts';

/** What is asked for; a server that does not know the wish beats every 30 s at the latest. */
const BEAT_MS = 1_500;
const WANTED_BEATS = 3;
const FIRST_BYTE_WITHIN_MS = 5_000;
const GIVE_UP_MS = 75_000;
/** Later than this after the beat before, a beat was held somewhere. */
const LATE_MS = 3_000;

export const sseConnection: Check = {
  name: 'SSE Connection',
  async run({ options, say }) {
    const url = `${options.url}/api/chat/stream?beat=${BEAT_MS}`;
    const asked = await ask(url, {
      headers: { accept: 'text/event-stream' },
      bodyWithinMs: GIVE_UP_MS,
      fixForSilence: FIX_BUFFERING,
    });
    if (!asked.isAnswered) return asked.outcome;
    const { response } = asked;
    const type = response.headers.get('content-type') ?? 'nothing';
    if (!type.startsWith('text/event-stream') || response.body === null) {
      return fail(`The stream came as ${type}, not as text/event-stream.`, FIX_NOT_DESK);
    }
    say(`Connected! Status: ${response.status}`);
    if (asked.ms > FIRST_BYTE_WITHIN_MS) {
      asked.abandon();
      return fail(`The stream's first byte took ${asked.ms} ms.`, FIX_BUFFERING);
    }
    try {
      return await watchBeats(response.body, say);
    } catch (error) {
      return fail(`The stream broke (${whyNot(error)}).`, FIX_BUFFERING);
    } finally {
      asked.abandon();
    }
  },
};

async function watchBeats(
  body: ReadableStream<Uint8Array>,
  say: (line: string) => void,
): Promise<Outcome> {
  const beats: { atMs: number; read: number }[] = [];
  const openedAt = performance.now();
  for await (const block of readStream(body)) {
    if (block.kind !== 'comment' || block.text !== 'heartbeat') continue;
    const before = beats.at(-1);
    beats.push(block);
    say(`Heartbeat received (${beats.length})`);
    if (before?.read === block.read) {
      return fail('Two heartbeats arrived together: they were sent apart.', FIX_BUFFERING);
    }
    if (beats.length === WANTED_BEATS) break;
  }
  const [first, ...rest] = beats;
  if (first === undefined)
    return fail('The stream ended before its first heartbeat.', FIX_BUFFERING);
  if (beats.length < WANTED_BEATS) return fail('The stream ended by itself.', FIX_BUFFERING);
  const gaps = rest.map((beat, n) => beat.atMs - (beats[n]?.atMs ?? beat.atMs));
  const spread = Math.max(...gaps) - Math.min(...gaps);
  if (spread > LATE_MS) {
    return fail(
      `Heartbeats came unevenly, ${Math.round(spread)} ms apart from their rhythm.`,
      FIX_BUFFERING,
    );
  }
  return pass(
    `first heartbeat after ${((first.atMs - openedAt) / 1_000).toFixed(1)} s, even after that`,
  );
}

// Spec A4 from outside: a page of history, and the place after it can be asked for.

import * as z from 'zod';
import { FIX_NOT_DESK } from '../advice.ts';
import { type Check, fail, pass } from '../check.ts';
import { askJson } from '../request.ts';

const pageSchema = z.object({
  messages: z.array(z.object({ id: z.string(), agentId: z.string() })),
  next: z.string(),
});

export const messagePolling: Check = {
  name: 'Message Polling',
  async run({ options }) {
    const first = await askJson(`${options.url}/api/chat/messages?limit=20`, pageSchema);
    if ('outcome' in first) return first.outcome;
    const { messages, next } = first.value;
    const after = `${options.url}/api/chat/messages?after=${encodeURIComponent(next)}`;
    const second = await askJson(after, pageSchema);
    if ('outcome' in second) return second.outcome;
    const ids = new Set(messages.map(({ id }) => id));
    if (second.value.messages.some(({ id }) => ids.has(id))) {
      return fail('A message came again after its place.', FIX_NOT_DESK);
    }
    return pass(`${messages.length} messages in ${first.ms} ms`);
  },
};

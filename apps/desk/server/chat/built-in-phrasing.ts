// The built-in phrasing as a `Phrasing`: remembers what each agent said last, so that nobody repeats himself,
// and gives as many messages as were asked for, even where that means saying something again.

import { phraseMessages } from '../agents/phrasing.ts';
import { createRandom } from '../market/prng.ts';
import type { Draft, Phrasing } from './phrasing.ts';

const REMEMBERED = 12;

export function builtInPhrasing(seed: string): Phrasing {
  const random = createRandom(seed);
  const said = new Map<string, readonly string[]>();
  return {
    name: 'built-in',
    async write({ agentId, count, standing, quotes }) {
      const recent = said.get(agentId) ?? [];
      const drafts: Draft[] = phraseMessages({ standing, quotes }, { random, count, recent });
      // At a fast pace there is not always news. What was said longest ago may be said again first.
      for (let kept = recent.slice(-2); drafts.length < count; kept = []) {
        const here = drafts.map(({ content }) => content);
        const wanted = { random, count: count - drafts.length, recent: [...kept, ...here] };
        drafts.push(...phraseMessages({ standing, quotes }, wanted));
        if (kept.length === 0) break;
      }
      const all = [...recent, ...drafts.map(({ content }) => content)];
      said.set(agentId, all.slice(-REMEMBERED));
      return drafts;
    },
  };
}

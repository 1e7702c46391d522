// Promise T18 in its short form; `npm run soak -- --only churn` is the long one.
import { expect, test } from 'vitest';
import { type ChurnCarrier, runChurn } from '../soak/churn.ts';

// One after the other would wait out the topics' 10 s each time.
test.concurrent.each<ChurnCarrier>(['websocket', 'sse', 'poll', 'plain'])(
  'SUB-8: thousands of links that come and go over %s leave no link, no subscription, no channel and no memory',
  async (carrier) => {
    const { problems, ...report } = await runChurn({ carrier, links: 5_000 });
    console.info(JSON.stringify(report));
    expect(problems).toEqual([]);
  },
);

// Promise T18 in its short form; `npm run soak -- --only churn` is the long one.
import { expect, test } from 'vitest';
import { runChurn } from '../soak/churn.ts';

test('SUB-8: thousands of links that come and go on every carrier leave no link, no subscription, no channel and no memory', async () => {
  const { problems, ...report } = await runChurn({ links: 5_000 });
  console.info(JSON.stringify(report));
  expect(problems).toEqual([]);
});

// Whether anything answers, whether it is a Desk, whether its parts are well, and whether it answers more than that:
// health is open to every prober, the rest only over HTTPS or by a name that Desk knows.

import * as z from 'zod';
import { FIX_HTTPS } from '../advice.ts';
import { type Check, fail, pass } from '../check.ts';
import { ask, askJson } from '../request.ts';

const healthSchema = z.object({
  status: z.string(),
  parts: z.record(z.string(), z.object({ status: z.string() })),
});

export const reachable: Check = {
  name: 'Health',
  async run({ options }) {
    const asked = await askJson(`${options.url}/health`, healthSchema);
    if ('outcome' in asked) return asked.outcome;
    const parts = Object.entries(asked.value.parts);
    const bad = parts.filter(([, { status }]) => status !== 'ready').map(([name]) => name);
    if (bad.length > 0)
      return fail(`Not ready: ${bad.join(', ')}.`, 'Look at the deployment’s log.');
    const open = await ask(`${options.url}/api/me`, { fixForRefusal: FIX_HTTPS });
    if (!open.isAnswered) return open.outcome;
    open.abandon();
    return pass(`${parts.map(([name]) => name).join(', ')}; answered in ${asked.ms} ms`);
  },
};

// Whether anything answers, whether it is a Desk, and whether its parts are well.

import * as z from 'zod';
import { type Check, fail, pass } from '../check.ts';
import { askJson } from '../request.ts';

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
    return pass(`${parts.map(([name]) => name).join(', ')}; answered in ${asked.ms} ms`);
  },
};

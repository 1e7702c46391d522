// Whether anything answers, whether it is a Desk, whether its parts are well on every node, and whether it answers more
// than that: health is open to every prober, the rest only over HTTPS or by a name that Desk knows.

import * as z from 'zod';
import { FIX_HTTPS } from '../advice.ts';
import { type Check, fail, type Outcome, pass } from '../check.ts';
import { ask, askJson } from '../request.ts';

const healthSchema = z.object({
  status: z.string(),
  node: z.number().optional(),
  parts: z.record(z.string(), z.object({ status: z.string() })),
});

type Health = z.infer<typeof healthSchema>;

/** So many connections in a row that come to nodes seen before: there are no others. */
const NO_OTHERS = 4;
const MAX_LOOKS = 64;

export const reachable: Check = {
  name: 'Health',
  async run({ options }) {
    const seen = await lookAtNodes(`${options.url}/health`);
    if ('outcome' in seen) return seen.outcome;
    const bad = seen.healths.flatMap(({ node, parts }) =>
      Object.entries(parts)
        .filter(([, { status }]) => status !== 'ready')
        .map(([name]) => (node === undefined ? name : `${name} on node ${node}`)),
    );
    if (bad.length > 0)
      return fail(`Not ready: ${bad.join(', ')}.`, 'Look at the deployment’s log.');
    const open = await ask(`${options.url}/api/me`, { fixForRefusal: FIX_HTTPS });
    if (!open.isAnswered) return open.outcome;
    open.abandon();
    const [first] = seen.healths;
    const parts = Object.keys(first?.parts ?? {}).join(', ');
    const nodes = seen.healths.flatMap(({ node }) => node ?? []).sort((a, b) => a - b);
    const where =
      nodes.length === 0 ? '' : ` on node${nodes.length > 1 ? 's' : ''} ${nodes.join(', ')}`;
    return pass(`${parts}${where}; answered in ${open.ms} ms`);
  },
};

/** The health of each node that a new connection comes to; of the only one there is. */
async function lookAtNodes(
  url: string,
): Promise<{ readonly healths: readonly Health[] } | { readonly outcome: Outcome }> {
  const healths = new Map<number | undefined, Health>();
  for (let looks = 0, same = 0; looks < MAX_LOOKS && same < NO_OTHERS; looks += 1) {
    // Nodes are given connections, not requests.
    const asked = await askJson(url, healthSchema, { headers: { connection: 'close' } });
    if ('outcome' in asked) return asked;
    same = healths.has(asked.value.node) ? same + 1 : 0;
    healths.set(asked.value.node, asked.value);
    if (asked.value.node === undefined) break;
  }
  return { healths: [...healths.values()] };
}

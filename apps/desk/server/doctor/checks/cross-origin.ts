// Whether pages of another site may call the deployment, as a browser would decide it.

import { type Check, fail, pass, skip } from '../check.ts';
import { ask } from '../request.ts';

export const crossOrigin: Check = {
  name: 'Cross-Origin Access',
  async run({ options }) {
    const { origin, url } = options;
    if (origin === null) return skip('no --origin was given');
    const asked = await ask(`${url}/api/me`, { headers: { origin } });
    const fix = `Add ${origin} to ORIGINS of the deployment, and let the proxy pass the Access-Control-* headers.`;
    if (!asked.isAnswered) {
      const { outcome } = asked;
      return outcome.result === 'FAIL' ? fail(outcome.problem, fix) : outcome;
    }
    const allowed = asked.response.headers.get('access-control-allow-origin');
    await asked.response.body?.cancel();
    return allowed === origin
      ? pass(`${origin} may call`)
      : fail(`Pages of ${origin} may not read answers.`, fix);
  },
};

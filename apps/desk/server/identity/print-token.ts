// `npm run token`: prints an administrator's token, signed with the secret that Desk signs its sessions with.
// Whoever may read that secret is the operator, so this asks nobody; production has no other door to what only
// administrators may do. The token alone goes to stdout, for `$(npm run -s token)`; the rest to stderr.
// Refuses to own: what a token opens (access.ts). One that got into wrong hands ends with its time or its secret.

import { MillraceError } from '@millrace/protocol';
import type { User } from '../../shared/api.ts';
import { readSettings } from '../settings/read.ts';
import { keepSessionSecret } from './session-secret.ts';
import { createTokens } from './tokens.ts';

const OPERATOR: User = { id: 'operator', name: 'Operator', isAdmin: true };

async function main(): Promise<void> {
  const { SESSION_SECRET, DATA_DIR } = readSettings(process.env);
  const tokens = createTokens(SESSION_SECRET || (await keepSessionSecret(DATA_DIR)));
  const { token, expiresAt } = await tokens.sign(OPERATOR, 'desk-session');
  console.log(token);
  console.error(`An administrator's token, valid until ${new Date(expiresAt).toISOString()}.`);
}

main().catch((error: unknown) => {
  if (!(error instanceof MillraceError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
});

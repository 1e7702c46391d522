// Renews a token that says when it expires, before it does, so that no link has to end for it. Times are the
// server's: its clock is known from `hello`, and the page's may be wrong. Rules: AUTH-3, CLI-11.

import type { Environment } from './environment.ts';
import { type TokenSource, tokenExpiresAt } from './token.ts';

export interface TokenRenewal {
  /** A link opened; `serverAt` is the server's clock. */
  schedule(serverAt: number): void;
  stop(): void;
}

export interface TokenRenewalHost {
  readonly environment: Pick<Environment, 'setTimer'>;
  readonly tokens: TokenSource;
  renewed(token: string): void;
  report(thrown: unknown): void;
}

/** A token is renewed when a fifth of its remaining life is left, at most half a minute. */
const LEAD_MS = 30_000;
const MAX_TIMER_MS = 2 ** 31 - 1;

export function createTokenRenewal(host: TokenRenewalHost): TokenRenewal {
  const { environment, tokens } = host;
  let cancel: () => void = () => undefined;

  async function renew(serverAt: number): Promise<void> {
    tokens.forget();
    const token = await tokens.get();
    if (token === null) return;
    host.renewed(token);
    schedule(serverAt);
  }

  function schedule(serverAt: number): void {
    cancel();
    const token = tokens.current();
    const expiresAt = tokens.canRefresh && token ? tokenExpiresAt(token) : null;
    if (expiresAt === null || expiresAt <= serverAt) return;
    const leftMs = expiresAt - serverAt;
    const delayMs = Math.min(leftMs - Math.min(LEAD_MS, leftMs / 5), MAX_TIMER_MS);
    cancel = environment.setTimer(() => {
      // A failure changes nothing yet: the server ends the link when the old token expires, and says so.
      renew(serverAt + delayMs).catch(host.report);
    }, delayMs);
  }

  return { schedule, stop: () => cancel() };
}

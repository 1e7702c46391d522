// Who somebody is and what they may do: the only place that calls the user's `authenticate` and `authorize`.
// What these throw harms only the request they were asked for. Rules: AUTH-1, AUTH-2, PUB-2, SUB-6, CUR-3.

import { MillraceError, toMillraceError } from '@millrace/protocol';
import type { KnownChannel } from './contract-set.ts';
import type { Action, Authenticate, Authorize, AuthRequest, Identity } from './hub-types.ts';
import { isPromise } from './is-promise.ts';
import type { Peer } from './seams/link.ts';

export interface Gate {
  /**
   * At once where `authenticate` answers at once.
   * @throws MillraceError `auth/invalid`, `auth/expired`, what `authenticate` throws, else `server/internal`; or rejects
   */
  identify(peer: Peer, token: string | undefined): Identity | null | Promise<Identity | null>;
  /** Null when allowed, else why not; at once where `authorize` answers at once. Never rejects, never throws. */
  refusal(
    identity: Identity | null,
    action: Action,
    channel: KnownChannel,
  ): Refusal | Promise<Refusal>;
}

/** Why not; null when allowed. */
export type Refusal = MillraceError | null;

export interface GateOptions {
  readonly authenticate: Authenticate | undefined;
  readonly authorize: Authorize | undefined;
  readonly onError: (error: MillraceError) => void;
}

export function createGate({ authenticate, authorize, onError }: GateOptions): Gate {
  /** What is not a refusal of the user's is a defect: reported, and said without its inside. */
  function failure(thrown: unknown): MillraceError {
    const error = toMillraceError(thrown);
    if (error.code === 'server/internal') onError(error);
    return error;
  }

  function ask(request: AuthRequest): ReturnType<Authenticate> | undefined {
    try {
      return authenticate?.(request);
    } catch (thrown) {
      throw failure(thrown);
    }
  }

  return {
    identify(peer, connectToken) {
      const token = connectToken ?? bearerOf(peer);
      const judge = (answer: Identity | null | undefined): Identity | null => {
        const identity = answer ?? null;
        if (Number.isNaN(identity?.expiresAt)) throw failure(badExpiry());
        if (identity === null && token !== null) {
          throw new MillraceError('auth/invalid', 'The token was refused. Sign in again.');
        }
        if (isExpired(identity)) throw expired();
        return identity;
      };
      const answer = ask({ ...peer, token });
      return isPromise(answer)
        ? Promise.resolve(answer).then(judge, (thrown: unknown) => {
            throw failure(thrown);
          })
        : judge(answer);
    },
    refusal(identity, action, { contract, info }) {
      // The history of what may be read may be seen.
      const access = contract.access[action === 'history' ? 'subscribe' : action];
      if (access === 'public') return null;
      const judge = (isAllowed: unknown): Refusal =>
        isAllowed === true ? null : denied(action, info.name);
      try {
        const answer = access === 'authorized' && authorize?.(identity, action, info);
        return isPromise(answer) ? Promise.resolve(answer).then(judge, failure) : judge(answer);
      } catch (thrown) {
        return failure(thrown);
      }
    },
  };
}

/** Compared with any clock it would never be over. */
function badExpiry(): MillraceError {
  return new MillraceError(
    'server/internal',
    '`authenticate` gave an `expiresAt` that is no number. Give ms since 1970, or leave it out.',
  );
}

export function expired(): MillraceError {
  return new MillraceError('auth/expired', 'The token has expired. Get a new one.');
}

export function isExpired(identity: Identity | null): boolean {
  return identity?.expiresAt !== undefined && identity.expiresAt <= Date.now();
}

function denied(action: Action, name: string): MillraceError {
  return new MillraceError('auth/denied', `Not allowed to ${VERBS[action]} ${name}.`);
}

const VERBS: Readonly<Record<Action, string>> = {
  subscribe: 'subscribe to',
  publish: 'publish to',
  presence: 'see who is on',
  ephemeral: 'send passing events on',
  history: 'read the history of',
};

function bearerOf({ headers }: Peer): string | null {
  const header = headers['authorization'];
  const match = typeof header === 'string' ? /^Bearer +(\S+)$/i.exec(header) : null;
  return match?.[1] ?? null;
}

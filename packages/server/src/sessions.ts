// Which link of each session is open, so that of two the higher number stays. Holds open links only: nothing is
// remembered of a session without one. Rules: LINK-5; the session is bound to its identity while it has a link.

import { MillraceError } from '@millrace/protocol';

export interface SessionLink {
  readonly session: string;
  /** Number of the link in its session. */
  readonly number: number;
  readonly identityId: string | null;
  replace(): void;
}

export interface Sessions {
  /**
   * Takes the session for this link and closes the lower one.
   * @throws MillraceError `link/replaced` when a higher one is open, `auth/invalid` when it belongs to someone else
   */
  claim(link: SessionLink): void;
  release(link: SessionLink): void;
}

export function createSessions(): Sessions {
  const open = new Map<string, SessionLink>();
  return {
    claim(link) {
      const other = open.get(link.session);
      if (other !== undefined) {
        // A guest who signs in keeps the session; nobody else changes hands.
        const isSame = other.identityId === link.identityId || other.identityId === null;
        if (!isSame) {
          throw new MillraceError(
            'auth/invalid',
            'This session belongs to somebody else. Begin a new one.',
          );
        }
        if (other.number > link.number) throw replaced();
        other.replace();
      }
      open.set(link.session, link);
    },
    release(link) {
      if (open.get(link.session) === link) open.delete(link.session);
    },
  };
}

export function replaced(): MillraceError {
  return new MillraceError('link/replaced', 'A newer link of this session took its place.');
}

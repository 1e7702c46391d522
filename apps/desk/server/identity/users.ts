// Seam: the people who have signed in. The database is one; see database-users.ts.
//
// Contract: a name belongs to one user, whatever its case; `pickOrCreate` called twice at once makes one user.

import type { User } from '../../shared/api.ts';

export interface Users {
  /** By name; at most 100. */
  list(): Promise<readonly User[]>;
  pickOrCreate(name: string): Promise<User>;
  /** Sees to it that there is a row of one who has been let in: what they own refers to it. */
  keep(user: User): Promise<void>;
}

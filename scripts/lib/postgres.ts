// The PostgreSQL of the tests: version 15, the oldest that the engine promises to work on. Each test makes servers of
// its own with it (packages/server/src/testing/postgres-server.ts); the one that Debian sets up is never started.
import { ensureInstalled } from './apt.ts';

/** Returns what stands in the way, or `undefined` when there is a PostgreSQL. */
export function ensurePostgres(say: (line: string) => void): Promise<string | undefined> {
  return ensureInstalled({
    name: 'PostgreSQL 15',
    packages: ['postgresql-15'],
    file: '/usr/lib/postgresql/15/bin/postgres',
    say,
  });
}

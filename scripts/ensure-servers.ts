// What `npm start -- --nodes N` runs of the system's: installed with apt when it is missing and this machine lets us.
// What cannot be had is left to the start, which says what it needs.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ensurePostgres } from './lib/postgres.ts';
import { ensureRedis } from './lib/redis.ts';

/** Debian keeps PostgreSQL's programs, of whatever version, off the PATH. */
const hasPostgres = isOnPath('postgres') || existsSync('/usr/lib/postgresql');

const missing = [
  { isHere: hasPostgres, setting: 'DATABASE_URL', ensure: ensurePostgres },
  { isHere: isOnPath('redis-server'), setting: 'REDIS_URL', ensure: ensureRedis },
].filter(({ isHere, setting }) => !isHere && !process.env[setting]);

for (const { ensure } of missing) {
  const problem = await ensure(console.log);
  if (problem !== undefined) console.error(problem);
}

function isOnPath(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)));
}

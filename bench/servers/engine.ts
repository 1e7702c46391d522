// The engine of a server of the benches, as it is told: `redis:PORT`, `postgres://…`, or nothing for its own memory.
// Nobody closes it: it ends with the process. Drivers are loaded by those who use them, for they take memory.

import type { HubOptions } from '@millrace/server';

export async function engineOf(place: string | undefined): Promise<Pick<HubOptions, 'engine'>> {
  if (place === undefined) return {};
  if (place.startsWith('redis:')) {
    const [{ Redis }, { redisEngine }] = await Promise.all([
      import('ioredis'),
      import('@millrace/server/redis'),
    ]);
    const client = new Redis(Number(place.slice('redis:'.length)));
    return { engine: redisEngine({ client }) };
  }
  const [{ default: pg }, { postgresDatabase, postgresEngine }] = await Promise.all([
    import('pg'),
    import('@millrace/server/postgres'),
  ]);
  const pool = new pg.Pool({ connectionString: place, max: 5 });
  return { engine: postgresEngine({ database: postgresDatabase({ pool }) }) };
}

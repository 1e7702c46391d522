// Public entry of @millrace/server/testing/servers: real servers and databases of a test's own, for engines that need one.

export { madeOnce } from './made-once.ts';
export {
  type PostgresServer,
  type PostgresServerOptions,
  startPostgres,
} from './postgres-server.ts';
export { readyPglite } from './ready-pglite.ts';
export {
  type RedisServer,
  type RedisServerOptions,
  startCluster,
  startRedis,
  startReplica,
  startSentinel,
} from './redis-server.ts';

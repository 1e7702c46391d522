// Public entry of @millrace/server/testing/servers: real servers of a test's own, for engines that need one.

export {
  type PostgresServer,
  type PostgresServerOptions,
  startPostgres,
} from './postgres-server.ts';
export {
  type RedisServer,
  type RedisServerOptions,
  startCluster,
  startRedis,
  startReplica,
  startSentinel,
} from './redis-server.ts';

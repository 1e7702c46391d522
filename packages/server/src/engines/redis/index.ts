// Public entry of @millrace/server/redis: the engine, and what it asks of the client that it is given.

export type { RedisClient, RedisClusterClient } from './client.ts';
export { type RedisEngineOptions, redisEngine } from './redis-engine.ts';

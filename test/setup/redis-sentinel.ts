import { Redis } from 'ioredis'
import { until } from './processes.ts'
import { startRedis, startSentinel, type RedisServer } from './redis.ts'

/** A primary with a replica, and a sentinel that makes the replica primary when the primary is gone. */
export interface RedisPair {
  /** `redis+sentinel://…` naming the sentinel. */
  url: string
  primary: RedisServer
  replica: RedisServer
  stop(): Promise<void>
}

const group = 'farm'

/** Starts them and waits until the sentinel knows both. */
export async function startRedisPair(): Promise<RedisPair> {
  const primary = await startRedis()
  const replica = await startRedis('--replicaof', `127.0.0.1 ${primary.port}`)
  const sentinel = await startSentinel(`sentinel monitor ${group} 127.0.0.1 ${primary.port} 1`, `sentinel down-after-milliseconds ${group} 2000`, `sentinel failover-timeout ${group} 10000`)
  const client = new Redis(sentinel.url)
  await until(async () => JSON.stringify(await client.call('SENTINEL', 'REPLICAS', group)).includes(`"master-link-status","ok"`), 'The sentinel knows the replica', 60_000)
  client.disconnect()
  return {
    url: `redis+sentinel://127.0.0.1:${sentinel.port}/${group}`, primary, replica,
    stop: async () => void await Promise.all([sentinel, primary, replica].map((server) => server.stop())),
  }
}

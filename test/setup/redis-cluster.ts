import { Redis } from 'ioredis'
import { until } from './processes.ts'
import { freePort, startRedis, type RedisServer } from './redis.ts'

/** Three primaries without replicas. */
export interface RedisCluster {
  /** `redis+cluster://…` naming one of them. */
  url: string
  nodes: RedisServer[]
  stop(): Promise<void>
}

const slots = [[0, 5460], [5461, 10922], [10923, 16383]] as const

/** Starts a Redis Cluster and waits until it serves every slot. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const busPorts = await Promise.all(slots.map(freePort))
  const nodes = await Promise.all(busPorts.map((port) => startRedis('--cluster-enabled', 'yes', '--cluster-port', String(port))))
  const clients = nodes.map(({ url }) => new Redis(url))
  for (const [at, client] of clients.entries()) {
    await client.call('CLUSTER', 'ADDSLOTSRANGE', ...slots[at]!)
    await client.call('CLUSTER', 'MEET', '127.0.0.1', nodes[0]!.port, busPorts[0]!)
  }
  const whole = async (client: Redis) => /cluster_state:ok[\s\S]*cluster_known_nodes:3/.test(String(await client.call('CLUSTER', 'INFO')))
  await until(async () => (await Promise.all(clients.map(whole))).every(Boolean), 'The Redis cluster serves')
  for (const client of clients) client.disconnect()
  return { url: `redis+cluster://127.0.0.1:${nodes[0]!.port}`, nodes, stop: async () => void await Promise.all(nodes.map((node) => node.stop())) }
}

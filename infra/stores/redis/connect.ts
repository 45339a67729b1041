import { Cluster, Redis, type RedisOptions } from 'ioredis'

/** Milliseconds a command may take; a Redis that is slower is away. */
const patience = 10_000

/** What the store relies on: a command is answered soon or fails, is never tried twice, and waits in no queue while Redis is away. */
const commandOptions = {
  commandTimeout: patience,
  // A peer that vanished without a word is given up, so that the next attempt can reach another.
  socketTimeout: patience,
  connectTimeout: patience,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  // After a failover a replica answers at the old address: looking again finds the new primary.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
} satisfies RedisOptions

const retryDelay = (attempt: number) => Math.min(attempt * 100, 1_000)

export interface ConnectOptions {
  /** Called once for each stretch of time Redis is away, with the reason. */
  onAway?: (reason: string) => void
  /** Called when it answers again, and for the first time. */
  onReady?: () => void
  /** Connects on the first `connect()` only. */
  lazy?: boolean
}

/**
 * Connects and stays connected. URLs:
 * - `redis://[USER:PASSWORD@]HOST:PORT[/DB]`, `rediss://` with TLS
 * - `redis+sentinel://[USER:PASSWORD@]HOST:PORT,HOST:PORT/GROUP`: the sentinels and the name of the group they watch
 * - `redis+cluster://[USER:PASSWORD@]HOST:PORT,HOST:PORT`: some nodes of a cluster
 * `rediss+sentinel` and `rediss+cluster` use TLS towards Redis. Throws for any other text.
 */
export function connectRedis(url: string, { onAway = () => {}, onReady = () => {}, lazy = false }: ConnectOptions = {}): Redis | Cluster {
  const redis = connection(url, lazy)
  let [told, reason] = [false, 'not connected']
  redis.on('error', (error: Error) => { reason = error.message })
  redis.on('close', () => {
    if (!told) onAway(reason)
    told = true
  })
  redis.on('ready', () => {
    told = false
    onReady()
  })
  return redis
}

function connection(url: string, lazyConnect: boolean): Redis | Cluster {
  if (/^rediss?:\/\//.test(url)) return new Redis(url, { ...commandOptions, enableOfflineQueue: false, retryStrategy: retryDelay, lazyConnect })
  const { tls, mode, nodes, group, ...credentials } = parts(url)
  const options = { ...commandOptions, ...credentials, ...(tls ? { tls: {} } : {}) }
  if (mode === 'cluster') {
    return new Cluster(nodes, { enableOfflineQueue: false, clusterRetryStrategy: retryDelay, slotsRefreshTimeout: patience, redisOptions: options, lazyConnect })
  }
  return new Redis({
    ...options, sentinels: nodes, name: group, enableOfflineQueue: false, retryStrategy: retryDelay, sentinelRetryStrategy: retryDelay, lazyConnect,
  })
}

function parts(url: string) {
  const match = /^redis(?<tls>s?)\+(?<mode>sentinel|cluster):\/\/(?:(?<username>[^:@]*):(?<password>[^@]*)@)?(?<nodes>[^/@]+)(?:\/(?<group>[^/]+))?$/.exec(url)?.groups
  const nodes = match?.nodes!.split(',').map(nodeOf)
  if (!match || !nodes || nodes.includes(undefined) || (match.mode === 'sentinel') !== (match.group !== undefined)) {
    throw new Error(`${JSON.stringify(url.replace(/:[^:@/]*@/, ':***@'))} is not the URL of a Redis: expected redis://HOST:PORT, rediss://HOST:PORT, `
      + 'redis+sentinel://HOST:PORT,HOST:PORT/GROUP or redis+cluster://HOST:PORT,HOST:PORT')
  }
  const { username, password, group } = match
  return {
    tls: match.tls === 's', mode: match.mode, nodes: nodes as { host: string; port: number }[], group,
    ...(username ? { username: decodeURIComponent(username) } : {}), ...(password ? { password: decodeURIComponent(password) } : {}),
  }
}

function nodeOf(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<name>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text)?.groups
  return match && { host: match.six ?? match.name!, port: Number(match.port) }
}

import type { Cluster, Redis } from 'ioredis'
import { Refusal } from '../../../lib/refusal.ts'
import { scripts, type ScriptName } from './scripts.ts'

/** A connection to Redis with the house's scripts. */
export interface Client {
  readonly redis: Redis | Cluster
  /** Runs a script. Keys must share one hash tag. Throws `Refusal` 503 while Redis is away. */
  script<T = unknown>(name: ScriptName, keys: readonly string[], ...args: (string | number)[]): Promise<T>
  /** Runs plain commands. Throws `Refusal` 503 while Redis is away. */
  ask<T>(work: (redis: Redis | Cluster) => Promise<T>): Promise<T>
}

type Command = (...args: (string | number)[]) => Promise<unknown>

/** Teaches a connection the scripts; they are loaded again by themselves after a restart or failover of Redis. */
export function clientOf(redis: Redis | Cluster): Client {
  for (const [name, lua] of Object.entries(scripts)) redis.defineCommand(name, { lua })
  const commands = redis as unknown as Record<ScriptName, Command>
  return {
    redis,
    script: (name, keys, ...args) => sayAway(() => commands[name](keys.length, ...keys, ...args)) as Promise<never>,
    ask: (work) => sayAway(() => work(redis)),
  }
}

async function sayAway<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isAway(error) ? away(error) : error
  }
}

/** Error replies of a Redis that cannot serve now: starting, failing over, without memory or replicas, not writable. */
const notNow = /^(LOADING|MASTERDOWN|READONLY|CLUSTERDOWN|TRYAGAIN|MISCONF|NOREPLICAS|OOM|BUSY|UNBLOCKED)\b/

/** How ioredis words that nothing came back; error replies are of class ReplyError, everything else is the connection's. */
function isAway(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  if (error.name !== 'ReplyError') return !(error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError)
  return notNow.test(error.message)
}

function away(error: Error): Refusal {
  const reason = error.message.includes('enableOfflineQueue') ? 'not connected' : error.message.split('\n', 1)[0]!
  return new Refusal(503, `the gateway's store does not answer (Redis: ${reason}); what runs goes on, try again in a moment`)
}

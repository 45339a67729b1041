import type { Cluster, Redis } from 'ioredis'
import { refuse } from '../../lib/pipeline.ts'
import { Refusal } from '../../lib/refusal.ts'
import { connectRedis } from '../stores/redis/connect.ts'
import { requestGateway, type RequestGateway } from './gateway.ts'
import type { Remembered } from './host.ts'
import { settingsOf } from './settings.ts'

/** The part of the platform's context that is used. */
interface Context {
  waitUntil(work: Promise<unknown>): void
}

const remembered = new Map<string, Remembered>()

/** A gateway of a farm as a Worker: the control API and every endpoint that does not hand its connection over. */
export default {
  async fetch(request: Request, env: unknown, context: Context): Promise<Response> {
    try {
      return await withGateway(env, context, async (gateway, end, over) => lasting(await gateway.fetch(request, over), end))
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(error)
      return refuse(error)
    }
  },
  /** Closes the namespaces whose time is over (a cron trigger). */
  async scheduled(_controller: unknown, env: unknown, context: Context): Promise<void> {
    await withGateway(env, context, async (gateway, end) => {
      await gateway.closer.reap()
      end()
    })
  },
}

/** Connects for one request. The connection ends when `end` was called, which aborts `over`, and what was to be done later is done, or when the work throws. */
async function withGateway<T>(env: unknown, context: Context, work: (gateway: RequestGateway, end: () => void, over: AbortSignal) => Promise<T>): Promise<T> {
  const settings = settingsOf(env)
  const redis = connectRedis(settings.STORE)
  const pending = new Set<Promise<unknown>>()
  const over = new AbortController()
  const finish = () => {
    over.abort()
    context.waitUntil(Promise.allSettled(pending).then(() => redis.disconnect()))
  }
  const later = (one: Promise<unknown>) => {
    pending.add(one)
    context.waitUntil(one)
  }
  try {
    await ready(redis)
    return await work(await requestGateway(settings, redis, remembered, later), finish, over.signal)
  } catch (error) {
    finish()
    throw error
  }
}

/** Milliseconds a Redis may take to let a connection in. */
const patience = 5_000

function ready(redis: Redis | Cluster): Promise<void> {
  return new Promise((resolve, reject) => {
    let reason = 'not connected'
    redis.on('error', (error: Error) => { reason = error.message })
    const late = setTimeout(() => reject(new Refusal(503, `the gateway's store does not answer (Redis: ${reason}); try again in a moment`)), patience)
    redis.once('ready', () => {
      clearTimeout(late)
      resolve()
    })
  })
}

/** An answer that is a stream may use the store until it has ended. */
function lasting(response: Response, end: () => void): Response {
  if (response.body === null) {
    end()
    return response
  }
  const reader = response.body.getReader()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read().catch((error) => {
        end()
        throw error
      })
      if (!done) return controller.enqueue(value)
      end()
      controller.close()
    },
    async cancel(reason) {
      end()
      await reader.cancel(reason)
    },
  })
  const answer = new Response(body, response)
  for (const [name, value] of Object.entries(asItIs)) answer.headers.set(name, value)
  return answer
}

/** The platform compresses for clients that can take it, and a compressed line is held back until there are many: nothing of a quiet stream would arrive. */
const asItIs = { 'Content-Encoding': 'identity', 'Cache-Control': 'no-transform' }

import type { Store } from '../../lib/store.ts'
import type { State } from '../state.ts'
import { openSqliteStore } from './sqlite.ts'

/** What the gateway tells its operator about a store that others keep. */
export interface StoreTalk {
  storeAway(reason: string): void
  storeBack(): void
}

/** Opens the store of a gateway: the Redis at a URL, which need not answer yet, or the file of its state directory. */
export async function openStore(url: string | undefined, state: State, talk: StoreTalk): Promise<Store> {
  if (url === undefined) return openSqliteStore(state.path('store.sqlite'))
  // Loaded only where it is wanted.
  const [{ connectRedis }, { openRedisStore }] = await Promise.all([import('./redis/connect.ts'), import('./redis.ts')])
  let away = false
  return openRedisStore(connectRedis(url, {
    onAway(reason) {
      away = true
      talk.storeAway(reason)
    },
    onReady() {
      if (away) talk.storeBack()
      away = false
    },
  }))
}

import type { Store } from '../../lib/store.ts'
import type { State } from '../state.ts'
import { openSqliteStore } from './sqlite.ts'
import { sayingAway } from './sqlite/away.ts'

/** What the gateway tells its operator about a store that others keep. */
export interface StoreTalk {
  /** It cannot be asked, or only asked and not changed, because of this. */
  storeAway(reason: string): void
  storeBack(): void
}

/** Opens the store of a gateway: the Redis at a URL, which need not answer yet, or the file of its state directory. */
export async function openStore(url: string | undefined, state: State, talk: StoreTalk): Promise<Store> {
  if (url === undefined) return sayingAway(openSqliteStore(state.path('store.sqlite')), talk, () => performance.now())
  // Loaded only where it is wanted.
  const [{ connectRedis }, { openRedisStore }] = await Promise.all([import('./redis/connect.ts'), import('./redis.ts')])
  let away = false
  return openRedisStore(connectRedis(url, {
    onAway(reason) {
      away = true
      talk.storeAway(`it does not answer (Redis: ${reason})`)
    },
    onReady() {
      if (away) talk.storeBack()
      away = false
    },
  }))
}

import { removeEverything } from '../lib/closing.ts'
import type { Store } from '../lib/store.ts'
import type { LiveHost } from './hosts/host.ts'

/** Milliseconds since whenever; must not jump. */
type Clock = () => number

/**
 * Takes note of namespaces that objects on a host are named after though the store does not know them: left by a crash, or all there is after the
 * store was lost. Those of this farm are removed: at once where the store remembers that they were closed, as of what an engine made late for a gateway
 * that had died; else once they stayed unknown for the grace period, in which a lost store can be brought back. Those of others that share the engine
 * never are. Answers whether there are some to look at again.
 */
export function orphans(store: Store, mark: string, grace: number, now: Clock): (host: LiveHost, strangers: ReadonlySet<string>) => Promise<boolean> {
  const since = new Map<string, number>()
  return async (host, strangers) => {
    const keyOf = (ns: string) => `${host.name}\n${ns}`
    const own = new Map([...strangers].filter((ns) => ns.startsWith(mark)).map((ns) => [keyOf(ns), ns]))
    for (const key of since.keys()) if (key.startsWith(keyOf('')) && !own.has(key)) since.delete(key)
    const closed = new Set(own.size === 0 ? [] : (await store.closings(0)).map(({ ns }) => ns))
    for (const [key, ns] of own) {
      since.set(key, since.get(key) ?? now())
      const isDue = closed.has(ns) || now() - since.get(key)! >= grace
      // It may live on another host of the pool that is the same engine.
      if (isDue && await store.find(ns) === undefined) await removeEverything(host, store, ns)
    }
    return own.size > 0
  }
}

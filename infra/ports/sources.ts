import type { Store } from '../../lib/store.ts'
import { plainAddress } from './target.ts'

/** Addresses remembered per namespace: as many as runners share one job, not as many as a stolen certificate may try. */
const sourcesKept = 64

/** Where the API calls of each namespace come from. In the store, so that other gateways know them, and this one after a restart. */
export interface Sources {
  /** A call came from this address; undefined for a unix socket, whose callers are on the gateway's machine. */
  seen(ns: string, address: string | undefined): void
  /** Has this namespace called from there? `address` as `plainAddress` writes it. */
  has(ns: string, address: string): boolean | Promise<boolean>
  forget(ns: string): void
}

export function sources(store: Store): Sources {
  const known = new Map<string, Set<string>>()
  const remember = (ns: string, address: string) => known.set(ns, (known.get(ns) ?? new Set()).add(address))

  async function record(ns: string, address: string): Promise<void> {
    const { outcome } = await store.reserve({ ns, kind: 'source', name: address, limit: sourcesKept })
    if (outcome === 'reserved') await store.claim({ ns, kind: 'source', name: address, id: `${ns}/${address}` })
  }

  return {
    seen(ns, given) {
      const address = given === undefined ? 'loopback' : plainAddress(given)
      if (known.get(ns)?.has(address)) return
      if ((known.get(ns)?.size ?? 0) >= sourcesKept) return
      remember(ns, address)
      // A store that is away is noticed by the call itself.
      void record(ns, address).catch(() => {})
    },
    has(ns, address) {
      if (known.get(ns)?.has(address)) return true
      return store.byName(ns, 'source', address).then((claim) => {
        if (claim !== undefined) remember(ns, address)
        return claim !== undefined
      })
    },
    forget: (ns) => void known.delete(ns),
  }
}

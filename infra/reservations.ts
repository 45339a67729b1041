import type { Claim, Kind, Reservation, Store } from '../lib/store.ts'

/** Milliseconds after which a name that this gateway reserved and did not claim counts as left behind: its call failed, and so did giving the name back. */
const longest = 600_000

/** Names that this gateway has reserved. */
export interface Reservations {
  /** The store whose verbs are noted here, and that knows whose the reservations are. */
  store: Store
  /** Is nobody creating what this reservation of this gateway is for any more? Should it be after all, its claim takes the name again. */
  isOver(reservation: Claim): boolean
}

/** `now` must not jump. */
export function reservations(store: Store, by: string, now: () => number): Reservations {
  const since = new Map<string, number>()
  const keyOf = (ns: string, kind: Kind, name: string) => `${ns}\n${kind}\n${name}`
  return {
    store: {
      ...store,
      async reserve(reservation: Reservation) {
        const answer = await store.reserve({ by, ...reservation })
        if (answer.outcome === 'reserved') since.set(keyOf(reservation.ns, reservation.kind, reservation.name), now())
        return answer
      },
      async claim(claim) {
        const claimed = await store.claim(claim)
        since.delete(keyOf(claim.ns, claim.kind, claim.name))
        return claimed
      },
      async release(ns, kind, name) {
        await store.release(ns, kind, name)
        since.delete(keyOf(ns, kind, name))
      },
      async forget(ns) {
        await store.forget(ns)
        for (const key of since.keys()) if (key.startsWith(`${ns}\n`)) since.delete(key)
      },
    },
    isOver({ ns, kind, name }) {
      return now() - (since.get(keyOf(ns, kind, name)) ?? -Infinity) > longest
    },
  }
}

import { Refusal } from '../../../lib/refusal.ts'
import type { Store } from '../../../lib/store.ts'
import type { StoreTalk } from '../open.ts'

/** SQLite's primary result codes for a file on which a change is not possible now (https://sqlite.org/rescode.html). */
const reasons: Record<number, string> = {
  5: 'its file is locked by another program',
  8: 'its file may not be written',
  10: 'its disk fails to read or write',
  13: 'its disk is full',
  14: 'its file cannot be opened',
}

/** Milliseconds without a failure after which a change that succeeded means that the store is well again. */
const wellAfter = 10_000

/** Why a store in a file cannot do something now, or undefined for any other error. */
function awayReason(error: unknown): string | undefined {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0
  // The lowest byte is the primary code.
  return reasons[code & 0xff]
}

/** The same store, whose verbs throw `Refusal` 503 while its disk is full or broken. The operator is told once when that begins, and when it is over. */
export function sayingAway(store: Store, talk: StoreTalk, now: () => number): Store {
  let failed: number | undefined
  let told: string | undefined

  function away(error: unknown): unknown {
    const reason = awayReason(error)
    if (reason === undefined) return error
    failed = now()
    if (told !== reason) talk.storeAway(reason)
    told = reason
    const refusal = new Refusal(503, `the gateway's store cannot be changed: ${reason}; what runs goes on, try again when its operator has mended that`)
    refusal.cause = error
    return refusal
  }

  function changed(): void {
    if (failed === undefined || now() - failed < wellAfter) return
    failed = told = undefined
    talk.storeBack()
  }

  const saying = <V extends object>(verbs: V): V => Object.fromEntries(Object.entries(verbs).map(([name, verb]) => [name,
    typeof verb === 'function' ? (...given: unknown[]) => (verb(...given) as Promise<unknown>).catch((error) => { throw away(error) }) : saying(verb as object)])) as V

  const verbs = saying(store)
  return {
    ...verbs,
    // A gateway says every few seconds that it lives, and that is always a change.
    async takeDuty(...given) {
      const taken = await verbs.takeDuty(...given)
      changed()
      return taken
    },
  }
}

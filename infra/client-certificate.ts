import { namespacePattern } from '../lib/names.ts'
import type { Wish } from './issue.ts'

/** What stands before a namespace's id in the URI of its certificate. */
export const namespacePrefix = 'urn:moorage:namespace:'

/** Milliseconds by which client certificates end later, because clocks differ. */
const clockSlack = 5 * 60 * 1000

/** Milliseconds by which certificates begin earlier: clocks differ, and one that was ahead may be set right while they live. */
export const beginsEarlier = 24 * 3_600_000

/** The certificate that identifies its bearer as the namespace until shortly after `expires`. */
export function clientWish(ns: string, expires: Date): Wish {
  if (!namespacePattern.test(ns)) throw new Error(`${JSON.stringify(ns)} is not a namespace id`)
  return {
    name: `CN=${ns}`,
    usage: 'client',
    names: [{ type: 'url', value: `${namespacePrefix}${ns}` }],
    notBefore: new Date(Date.now() - beginsEarlier),
    notAfter: new Date(expires.getTime() + clockSlack),
  }
}

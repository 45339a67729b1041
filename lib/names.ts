/**
 * Stored names: what an object is called on the engine.
 *
 * A namespace token has a fixed length and 80 bits of chance in it, so a stored name splits in one way only,
 * names of other namespaces cannot be guessed, and error texts can be cleaned by plain replacement.
 */

/** Form of a namespace token. */
export const namespacePattern = /^[a-z][a-z0-9]{15}$/

/** Image references of namespaces live under this registry host; `.invalid` never resolves (RFC 2606). */
export const storedRegistry = 'moorage.invalid'

/** Labels that Moorage writes for people and monitoring; they decide nothing and are hidden from jobs. */
export const labelPrefix = 'io.moorage.'

/** The label that names the owner of an object on the engine. */
export const ownerLabel = `${labelPrefix}namespace`

/** What the namespace's own bridge network is called by the job. */
export const bridgeName = 'bridge'

/** A new namespace token from 16 random bytes. */
export function namespaceToken(random: Uint8Array): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz'
  const alphabet = `${letters}0123456789`
  return Array.from(random.subarray(0, 16), (byte, index) =>
    index === 0 ? letters[byte % 26] : alphabet[byte % 36]).join('')
}

/** `db` becomes `<ns>.db`. */
export function storedName(ns: string, name: string): string {
  return `${ns}.${name}`
}

/** The job name in a stored name of this namespace, or undefined when the text is not one. A leading slash is kept. */
export function jobName(ns: string, stored: string): string | undefined {
  if (stored.startsWith(`${ns}.`)) return stored.slice(ns.length + 1)
  if (stored.startsWith(`/${ns}.`)) return `/${stored.slice(ns.length + 2)}`
  return undefined
}

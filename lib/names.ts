/**
 * Stored names: what an object is called on the engine.
 *
 * A namespace token has a fixed length and 62 bits of chance in it, so a stored name splits in one way only,
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

/** Characters at the start of a token that tell whose it is. */
const markLength = 4

/**
 * A token of 16 characters from as many random bytes. A gateway's namespaces begin with the mark of its farm, so that farms which share an
 * engine know their own objects, those of forgotten namespaces too; twelve characters of chance (62 bits) remain.
 */
export function namespaceToken(random: Uint8Array, mark = ''): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz'
  const alphabet = `${letters}0123456789`
  const token = Array.from(random.subarray(0, 16), (byte, index) =>
    index === 0 ? letters[byte % 26] : alphabet[byte % 36]).join('')
  return mark + token.slice(mark.length)
}

/** The mark of a farm, from some bytes of a digest of what only it has. */
export function farmMark(digest: Uint8Array): string {
  return namespaceToken(digest).slice(0, markLength)
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

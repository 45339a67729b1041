import { fromStored } from './reference.ts'
import { labelPrefix, storedRegistry } from './names.ts'

/**
 * Turns what an engine says into what the job may read: stored names become job names, our labels disappear.
 *
 * It works on the JSON text, keys and strings alike, in one pass and before parsing: a stored name contains a token of fixed
 * length that no JSON escape can split, so replacement in text equals replacement in every string of the tree.
 * Raw streams (logs, attach, archives) never come here.
 */
export function present(ns: string, text: string): string {
  if (!text.includes(ns) && !text.includes(labelPrefix)) return text
  return text.replace(pattern(ns), (match: string, reference: string | undefined) =>
    reference === undefined ? '' : fromStored(ns, match) ?? (reference.startsWith('loading:') ? '' : '<none>:<none>'))
}

const patterns = new Map<string, RegExp>()
const patternsKept = 1024

function pattern(ns: string): RegExp {
  const known = patterns.get(ns)
  if (known !== undefined) return known
  const label = `"${escape(labelPrefix)}[a-z.-]+":"[^"\\\\]*"`
  const reference = `${escape(storedRegistry)}/${ns}/([a-zA-Z0-9._/-]+(?::[a-zA-Z0-9._-]*[a-zA-Z0-9_])?(?:@sha256:[0-9a-f]{64})?)`
  const made = new RegExp(`${label},|,?${label}|${reference}|${ns}\\.`, 'g')
  if (patterns.size >= patternsKept) patterns.clear()
  patterns.set(ns, made)
  return made
}

function escape(text: string): string {
  return text.replace(/[.]/g, '\\.')
}

/** Removes our labels from a parsed labels map and keeps `null` and `{}` apart, as clients do. */
export function withoutOurLabels<T extends Record<string, string> | null | undefined>(labels: T): T {
  if (!labels) return labels
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !key.startsWith(labelPrefix))) as T
}

/** Places where the engine echoes the term it was asked for; `ID` stands for the full id the gateway sent (engine-api.md C.5). */
const echoes = [
  'No such container: ID', 'No such image: ID', 'No such exec instance: ID', 'cannot kill container: ID:', 'in container ID',
  'Container ID is paused, unpause', 'container ID: ', 'network ID not found', 'Could not get container for ID', 'cannot remove container "ID"',
  'cannot restart container: ID:', 'cannot stop container: ID:', 'cannot pause container ID', 'Cannot restart container ID', 'Cannot stop container ID',
  'Cannot kill container: ID', 'cannot start container ID', 'endpoint ID not found', 'get ID:', 'could not get container for ID',
] as const

/**
 * An engine's complaint in the job's words: stored names stripped, and where the engine repeats the id the gateway resolved,
 * the string the client used. Ids that the engine adds by itself stay.
 */
export function presentError(ns: string, message: string, asked?: { term: string; id: string }): string {
  const plain = present(ns, message).replace(/\/[^\s"']*\/docker\/(?=(?:overlay2|volumes|containers|image|tmp|vfs|aufs)\/)/g, '/var/lib/docker/')
  if (asked === undefined || asked.id === asked.term || !plain.includes(asked.id)) return plain
  return echoes.reduce((text, echo) =>
    text.replaceAll(echo.replace('ID', asked.id), echo.replace('ID', () => asked.term)), plain)
}

/** The short forms of mounts: `HostConfig.Binds` and `HostConfig.VolumesFrom` (daemon/volume/mounts, linux_parser.go). */
import { forbidden, Refusal } from '../refusal.ts'
import { checkVolumeName } from './names.ts'
import { cleanPath, targetFault } from './paths.ts'

/** A bind a namespace may have. `mode` is a comma-separated list of rw, ro and nocopy, or empty. */
export type Bind =
  | { kind: 'volume'; name: string; target: string; mode: string }
  | { kind: 'anonymous'; target: string }
  /** Of a path that may be a docker socket: which one it is, and whether it may be bound, is known of the call only. */
  | { kind: 'socket'; source: string; target: string }

const modeKinds: Record<string, string> = {
  rw: 'access', ro: 'access', z: 'label', Z: 'label', nocopy: 'copy',
  consistent: 'consistency', cached: 'consistency', delegated: 'consistency',
  private: 'propagation', rprivate: 'propagation', slave: 'propagation', rslave: 'propagation', shared: 'propagation', rshared: 'propagation',
}

const dockerSockets = ['/var/run/docker.sock', '/run/docker.sock']

/** Is this where clients expect the engine's socket? */
export function isDockerSocket(path: string): boolean {
  return dockerSockets.includes(cleanPath(path))
}

/** May this be a docker socket: the usual one, or one that the job's own client was told of? */
export function maybeSocket(path: string): boolean {
  return path.startsWith('/') && cleanPath(path).endsWith('.sock')
}

/** The 403 for a path on the host of the engine. */
export function hostPathRefusal(source: string, at: string): Refusal {
  return forbidden({
    field: at,
    why: `${source} is a path on the engine's host, which is shared with others and has none of this job's files`,
    instead: 'use a named volume ("name:/target"), docker cp, or COPY the files into the image',
  })
}

/**
 * One entry of `Binds`: `[source:]target[:mode]`. Label and consistency words mean nothing here and are left out of `mode`.
 * Throws `Refusal`: 403 for host paths that are no sockets and mount propagation, 400 with the engine's texts for what it would refuse.
 */
export function parseBind(bind: string, at = 'HostConfig.Binds'): Bind {
  const parts = bind.split(':')
  const [first, second, mode = ''] = parts as [string, string | undefined, string | undefined]
  const invalid = (why = '') => new Refusal(400, `invalid volume specification: '${bind}'${why}`, at)
  if (first === '' || parts.length > 3 || (parts.length === 2 && isMode(second ?? ''))) throw invalid()
  if (!isMode(mode)) throw new Refusal(400, `invalid mode: ${mode}`, at)
  if (second !== undefined && first.startsWith('/') && !maybeSocket(first)) throw hostPathRefusal(first, at)
  const target = second ?? first
  const fault = targetFault(target)
  if (fault !== undefined) throw invalid(`: invalid mount config for type "volume": ${fault}`)
  if (second === undefined) return { kind: 'anonymous', target }
  const kept = keptMode(mode, at)
  if (maybeSocket(first)) return { kind: 'socket', source: first, target }
  return { kind: 'volume', name: checkVolumeName(first, at), target, mode: kept }
}

/** Is this a mode the engine knows: words of its list, at most one of each kind? */
function isMode(mode: string): boolean {
  if (mode === '') return true
  const kinds = mode.split(',').map((word) => (Object.hasOwn(modeKinds, word) ? modeKinds[word] : undefined))
  return !kinds.includes(undefined) && new Set(kinds).size === kinds.length
}

function keptMode(mode: string, at: string): string {
  const words = mode === '' ? [] : mode.split(',')
  const propagation = words.find((word) => modeKinds[word] === 'propagation')
  if (propagation !== undefined) {
    throw forbidden({ field: at, why: `mount propagation (${propagation}) reaches mounts of the engine's host`, instead: 'leave the word out' })
  }
  return words.filter((word) => modeKinds[word] === 'access' || modeKinds[word] === 'copy').join(',')
}

/** One entry of `VolumesFrom`: `container[:mode]`. Throws `Refusal` 400 with the engine's texts. */
export function parseVolumesFrom(spec: string, at = 'HostConfig.VolumesFrom'): { ref: string; mode: 'ro' | 'rw' } {
  if (spec === '') throw new Refusal(400, 'volumes-from specification cannot be an empty string', at)
  const [ref = '', ...rest] = spec.split(':')
  const mode = rest.join(':')
  const words = mode === '' ? [] : mode.split(',')
  if (!isMode(mode) || words.some((word) => ['copy', 'propagation'].includes(modeKinds[word] ?? ''))) {
    throw new Refusal(400, `invalid mode: ${mode}`, at)
  }
  return { ref, mode: words.includes('ro') ? 'ro' : 'rw' }
}

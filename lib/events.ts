import type { Call } from './endpoint.ts'
import type { Announcement } from './engine.ts'
import { bridgeName, namespacePattern, storedRegistry } from './names.ts'

/** An engine event (Engine API, SystemEvents), parsed; `timeNano` keeps its digits. */
export interface EngineEvent {
  Type: string
  Action: string
  Actor: { ID: string; Attributes: Record<string, string> | null }
  time: number
  timeNano: unknown
  [legacy: string]: unknown
}

/** When it was: nanoseconds since the epoch. The answer's numbers keep their digits, as raw JSON or as a number when that is exact. */
export function nanosOf({ timeNano }: EngineEvent): bigint {
  return BigInt(typeof timeNano === 'number' ? timeNano : (timeNano as { rawJSON: string }).rawJSON)
}

/**
 * The namespace an event's object carries in its stored name, or undefined.
 *
 * Only what the engine itself sets last is read: the container and network `name`, the volume's id, the image's reference.
 * Labels are merged into the attributes and could say anything (engine-api.md C.3).
 */
export function namespaceInEvent(event: EngineEvent): string | undefined {
  const name = event.Type === 'volume' ? event.Actor.ID : event.Actor.Attributes?.name ?? ''
  if (event.Type === 'image') return inReference(name) ?? inReference(event.Actor.ID)
  const ns = name.slice(0, 16)
  return name[16] === '.' && namespacePattern.test(ns) ? ns : undefined
}

function inReference(reference: string): string | undefined {
  const [registry, ns = ''] = reference.split('/')
  return registry === storedRegistry && namespacePattern.test(ns) ? ns : undefined
}

/** Events of images are announced by the gateway: the engine's tell of stored tags that come and go behind a pull, a load or a removal. */
const shownTypes = new Set(['container', 'network', 'volume'])

/** May a namespace see an event of its own? Prunes are the gateway's own doing, and its bridge has always been there for the job. */
export function isShown(event: EngineEvent): boolean {
  if (!shownTypes.has(event.Type) || event.Action === 'prune') return false
  const own = event.Type === 'network' && (event.Action === 'create' || event.Action === 'destroy')
  return !(own && event.Actor.Attributes?.name?.endsWith(`.${bridgeName}`) === true && event.Actor.Attributes.name.length === 17 + bridgeName.length)
}

/** The namespace pruned what it has of a kind. `reclaimed`: bytes. */
export function announcePrune(call: Pick<Call, 'host' | 'ns'>, type: Announcement['Type'], reclaimed: number): void {
  call.host.announce(call.ns, { Type: type, Action: 'prune', Actor: { ID: '', Attributes: { reclaimed: String(reclaimed) } } })
}

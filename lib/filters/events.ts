import { familiarName, parseReference } from '../reference.ts'
import { matchesBeginning, matchesExactly, matchesLabels, type Labels } from './match.ts'
import type { Filters } from './parse.ts'

/** An event (Engine API, SystemEvents), in job names. */
export interface EventMessage {
  Type?: string
  Action?: string
  scope?: string
  Actor?: { ID?: string; Attributes?: Labels }
}

/** Keys that name a kind of object. Each is compared with id and name of every event, whatever the event's own type is. */
const kinds = ['daemon', 'container', 'plugin', 'volume', 'network', 'node', 'service', 'secret', 'config']

/** Actions that carry a command or a state after a colon; a filter with one of these words matches by beginning. */
const openActions = ['health_status', 'exec_create', 'exec_start']

/**
 * Does an event pass the filters (moby daemon/events/filter.go)? The engine accepts every key here and ignores those it does not know:
 * parse them without a list of accepted ones.
 */
export function matchEvent(filters: Filters, event: EventMessage): boolean {
  const id = event.Actor?.ID ?? ''
  const attributes = event.Actor?.Attributes ?? {}
  const name = attributes['name'] ?? ''
  return matchesAction(filters, event.Action ?? '')
    && matchesExactly(filters, 'type', event.Type ?? '')
    && matchesExactly(filters, 'scope', event.scope ?? '')
    && kinds.every((kind) => matchesBeginning(filters, kind, id) || matchesBeginning(filters, kind, name))
    && matchesImage(filters, id, (event.Type === 'image' ? name : attributes['image']) ?? '')
    && matchesLabels(filters, 'label', attributes)
}

function matchesAction(filters: Filters, action: string): boolean {
  const open = filters.get('event')?.some((value) => openActions.includes(value)) === true
  return open ? matchesBeginning(filters, 'event', action) : matchesExactly(filters, 'event', action)
}

/** Images match by id and name, with and without tag, and so do the events of containers made from them. */
function matchesImage(filters: Filters, id: string, image: string): boolean {
  if ((filters.get('image') ?? []).length === 0) return true
  return [id, image, withoutTag(id), withoutTag(image)].some((text) => matchesExactly(filters, 'image', text))
}

function withoutTag(text: string): string {
  try {
    return familiarName(parseReference(text))
  } catch {
    return text
  }
}

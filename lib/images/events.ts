import type { Call } from '../endpoint.ts'
import { familiar, familiarName, type Reference } from '../reference.ts'
import { withoutOurLabels } from '../present.ts'

/** Actions an engine reports with the image id as name (moby, daemon/events LogImageEvent). */
type IdAction = 'create' | 'load' | 'save' | 'import' | 'untag' | 'delete'

/** Tells the namespace's watchers what became of an image, in an engine's words. `labels`: those of the image, read before it was deleted. */
export function announceImage(call: Call, action: IdAction, id: string, labels: Record<string, string> | null | undefined): void {
  tell(call, action, id, id, action === 'delete' ? null : labels)
}

/** An image got a tag. */
export async function announceTag(call: Call, id: string, reference: Reference): Promise<void> {
  tell(call, 'tag', id, familiar(reference), (await call.host.image(id))?.Config?.Labels)
}

/** An image was pulled: the actor is the reference. */
export async function announcePull(call: Call, id: string, reference: Reference): Promise<void> {
  tell(call, 'pull', familiar(reference), familiarName(reference), (await call.host.image(id))?.Config?.Labels)
}

/** An image was pushed: the actor is the reference. */
export async function announcePush(call: Call, id: string, reference: Reference): Promise<void> {
  tell(call, 'push', familiar(reference), familiarName(reference), (await call.host.image(id))?.Config?.Labels)
}

function tell(call: Call, action: string, id: string, name: string, labels: Record<string, string> | null | undefined): void {
  call.host.announce(call.ns, { Type: 'image', Action: action, Actor: { ID: id, Attributes: { ...withoutOurLabels(labels), name } } })
}

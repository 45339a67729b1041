import { at, type EnginePath } from './engine-path.ts'
import type { EngineAnswer, Host } from './engine.ts'
import { parseAnswer } from './json.ts'
import { Refusal } from './refusal.ts'

/** Kinds of objects that an engine has under a stored name. Containers hold the others, so they come first. */
export const objectKinds = ['container', 'network', 'volume'] as const
export type ObjectKind = (typeof objectKinds)[number]

export interface EngineObject {
  /** A volume's is its stored name. */
  id: string
  storedName: string
}

/** Where an engine has an object of an id. */
export function objectPath(kind: ObjectKind, id: string): EnginePath {
  return at`/${kind}s/${id}`
}

/** Where an engine tells of an object of an id. */
export function inspectPath(kind: ObjectKind, id: string): EnginePath {
  return kind === 'container' ? at`/containers/${id}/json` : objectPath(kind, id)
}

/** An engine's objects of a kind, running or not; `named` chooses those whose names hold that text. Throws `Refusal` 502 where it lists none. */
export async function listObjects(host: Pick<Host, 'call'>, kind: ObjectKind, named?: string): Promise<EngineObject[]> {
  const filters = named && JSON.stringify({ name: [named] })
  if (kind === 'container') {
    const all: Summary[] = expectOk(await host.call({ method: 'GET', path: at`/containers/json`, query: { all: true, filters } }))
    return all.map(({ Id, Names }) => ({ id: Id, storedName: Names?.find((name) => !isLink(name))?.slice(1) ?? '' }))
  }
  if (kind === 'network') {
    const all: { Id: string; Name: string }[] = expectOk(await host.call({ method: 'GET', path: at`/networks`, query: { filters } }))
    return all.map(({ Id, Name }) => ({ id: Id, storedName: Name }))
  }
  const { Volumes }: { Volumes?: { Name: string }[] | null } = expectOk(await host.call({ method: 'GET', path: at`/volumes`, query: { filters } }))
  return (Volumes ?? []).map(({ Name }) => ({ id: Name, storedName: Name }))
}

/** An image on the engine with all its references. */
export interface EngineImage {
  Id: string
  RepoTags: readonly string[] | null
}

/** An engine's images. Throws `Refusal` 502 where it lists none. */
export async function listImages(host: Pick<Host, 'call'>): Promise<EngineImage[]> {
  return expectOk(await host.call({ method: 'GET', path: at`/images/json` }))
}

/** All references that begin so, on an engine. Throws as `listImages` does. */
export async function listTags(host: Pick<Host, 'call'>, beginning: string): Promise<string[]> {
  return (await listImages(host)).flatMap((image) => image.RepoTags ?? []).filter((tag) => tag.startsWith(beginning))
}

interface Summary {
  Id: string
  Names: readonly string[] | null
}

/** Another container's name for this one, `/other/alias`. */
function isLink(name: string): boolean {
  return name.indexOf('/', 1) >= 0
}

function expectOk(answer: EngineAnswer): any {
  if (answer.status !== 200) throw new Refusal(502, `the engine answered ${answer.status}: ${answer.text.trim()}`)
  return parseAnswer(answer.text)
}

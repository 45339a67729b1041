import type { World } from './worlds.ts'
import { normaliser } from './normalise.ts'
import { ask, type Ask } from '../setup/plain-http.ts'

/** One request of a client, and what later ones of the sequence name by `{NAME}` out of its answer. */
export interface Step extends Omit<Ask, 'target' | 'method'> {
  /** `POST /v1.44/containers/{web}/start`. */
  send: string
  keep?: Readonly<Record<string, (answer: any) => string>>
  /** What is told of the body: nothing, only that much of it, or (when absent) all. */
  show?: false | ((answer: any, text: string) => unknown)
}

/** Sends the requests one after the other, and answers a line for each: its status, type of content and body, with ids and times made equal. */
export async function play(world: World, steps: readonly Step[]): Promise<string[]> {
  const normal = normaliser(world.places)
  const kept = new Map<string, string>()
  const filled = (text: string) => text.replace(/\{(\w+)\}/g, (whole, name) => kept.get(name) ?? whole)
  const told: string[] = []
  for (const { send, keep = {}, show, body, ...request } of steps) {
    const [method = '', target = ''] = filled(send).split(' ', 2)
    const sent = typeof body === 'string' ? filled(body) : typeof body === 'object' && body !== null && !(body instanceof Uint8Array) ? JSON.parse(filled(JSON.stringify(body))) : body
    const answer = await ask(socketOf(world), { ...request, method, target, body: sent })
    for (const [name, of] of Object.entries(keep)) kept.set(name, of(answer.json))
    const body_ = show === false ? '' : show === undefined ? answer.text : JSON.stringify(show(answer.json, answer.text))
    told.push(normal(`${send}: ${answer.status} ${answer.headers['content-type'] ?? 'no type'} ${body_}`))
  }
  return told
}

function socketOf({ env }: World): string {
  return env['DOCKER_HOST']!.replace('unix://', '')
}

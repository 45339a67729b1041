import type { Call } from './endpoint.ts'
import { at, type EnginePath } from './engine-path.ts'
import { parseAnswer } from './json.ts'
import { bridgeName, ownerLabel, storedName } from './names.ts'
import { claimMade, takeName } from './ownership.ts'
import { messageOf, Refusal } from './refusal.ts'
import type { Claim, Facts, Kind } from './store.ts'

/** Objects of a namespace that come into being on first use, as they would on a private engine. */

type Made = Claim & { id: string }

/** The namespace's own bridge network, which stands for the engine's `bridge`; created when first needed. */
export function ensureBridge(call: Call): Promise<Made> {
  return ensure(call, 'network', bridgeName, (stored) => ({
    path: at`/networks/create`,
    body: { Name: stored, Driver: 'bridge', CheckDuplicate: true, Labels: owned(call.ns, {}) },
    id: (answer) => answer.Id,
  }))
}

/** What a job says of a new volume. */
interface VolumeWish {
  Labels?: Record<string, string>
  /** Only ever empty. */
  DriverOpts?: Record<string, never>
}

/** A named volume: an existing one, or a new one as wished (the engine makes volumes that are mentioned). */
export function ensureVolume(call: Call, name: string, { Labels: labels, DriverOpts: options }: VolumeWish = {}): Promise<Made> {
  return ensure(call, 'volume', name, (stored) => ({
    path: at`/volumes/create`,
    body: { Name: stored, Driver: 'local', DriverOpts: options, Labels: owned(call.ns, labels) },
    id: () => stored,
    // The engine would show the empty map it was given, and `null` where it was given none.
    facts: labels && Object.keys(labels).length === 0 ? { labels } : {},
  }))
}

/** Labels with the owner's added, for people and monitoring. */
export function owned(ns: string, labels: Record<string, string> | null | undefined): Record<string, string> {
  return { ...labels, [ownerLabel]: ns }
}

interface Making {
  path: EnginePath
  body: unknown
  id(answer: any): string
  facts?: Facts
}

async function ensure(call: Call, kind: Kind & ('network' | 'volume'), name: string, make: (stored: string) => Making): Promise<Made> {
  const existing = await call.store.byName(call.ns, kind, name)
  if (existing?.id !== undefined) return existing as Made
  // One creator at a time over all gateways; the others find what it made.
  return call.host.inTurn(`${kind}:${call.ns}:${name}`, async () => {
    const meanwhile = await call.store.byName(call.ns, kind, name)
    if (meanwhile?.id !== undefined) return meanwhile as Made
    await takeName(call, { kind, name, taken: () => new Refusal(503, `${kind} ${name} is being created by another call; try again`) })
    return create(call, kind, name, make(storedName(call.ns, name)))
  })
}

async function create(call: Call, kind: Kind, name: string, making: Making): Promise<Made> {
  const answer = await call.host.call({ method: 'POST', path: making.path, body: making.body })
  if (answer.status >= 300) {
    await call.store.release(call.ns, kind, name)
    throw new Refusal(answer.status, `${kind} ${name}: ${messageOf(answer.text)}`)
  }
  const id = making.id(parseAnswer(answer.text))
  const { facts = {} } = making
  await claimMade(call, { kind, name, id, facts })
  return { ns: call.ns, kind, name, id, facts }
}

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import type { Claim, Store } from '../../lib/store.ts'
import { engineId, namespaceRecord } from './store-contract.ts'

/** What every store must do about limits, also for two gateways at one time. `make` gives a store of one farm; the suite shuts it down. */
export function describeQuotas(title: string, make: () => Promise<Store>): void {
  describe(title, () => {
    let gateways: Store[]
    before(async () => { gateways = [await make(), await make()] })
    after(async () => { for (const store of gateways) await store.shutdown() })
    const get = () => gateways as [Store, Store]
    const opened = async () => {
      const namespace = namespaceRecord()
      await get()[0].open(namespace)
      return namespace.id
    }
    sizes(get, opened)
    properties(get, opened)
  })
}

type Get = () => [Store, Store]

function sizes(get: Get, opened: () => Promise<string>): void {
  it('adds up the sizes of claims and reservations of a kind, and gives them back', async () => {
    const [store] = get()
    const ns = await opened()
    const reserve = (name: string, size: number) => store.reserve({ ns, kind: 'container', name, size, room: 10 })
    assert.deepEqual(await reserve('a', 4), { outcome: 'reserved' })
    assert.deepEqual(await reserve('b', 6), { outcome: 'reserved' })
    assert.deepEqual(await reserve('c', 1), { outcome: 'full', limit: 10, of: 'size' })
    assert.deepEqual(await reserve('c', 0), { outcome: 'reserved' })
    assert.deepEqual(await store.reserve({ ns, kind: 'image', name: 'i', size: 10, room: 10 }), { outcome: 'reserved' })
    const id = engineId()
    await store.claim({ ns, kind: 'container', name: 'a', id, facts: { some: 'fact' } })
    await store.claim({ ns, kind: 'container', name: 'a', id })
    await store.rename(ns, 'container', 'a', 'z')
    assert.deepEqual(await reserve('d', 1), { outcome: 'full', limit: 10, of: 'size' })
    await store.releaseId(ns, 'container', id)
    assert.deepEqual(await reserve('d', 4), { outcome: 'reserved' })
    await store.release(ns, 'container', 'b')
    assert.deepEqual(await reserve('e', 7), { outcome: 'full', limit: 10, of: 'size' })
    assert.deepEqual(await reserve('e', 6), { outcome: 'reserved' })
  })

  it('says count when both are full, and takes sizes as large as disks', async () => {
    const [store] = get()
    const ns = await opened()
    const terabytes = 2 ** 45
    assert.deepEqual(await store.reserve({ ns, kind: 'image', name: 'a', size: terabytes, room: terabytes + 1 }), { outcome: 'reserved' })
    assert.deepEqual(await store.reserve({ ns, kind: 'image', name: 'b', size: 2, room: terabytes + 1 }), { outcome: 'full', limit: terabytes + 1, of: 'size' })
    assert.deepEqual(await store.reserve({ ns, kind: 'image', name: 'b', size: 2, limit: 1, room: 1 }), { outcome: 'full', limit: 1, of: 'count' })
    assert.deepEqual(await store.reserve({ ns, kind: 'image', name: 'b', size: 1, room: terabytes + 1 }), { outcome: 'reserved' })
  })

  it('never goes over the room when two gateways reserve at once', async () => {
    const ns = await opened()
    const outcomes = await Promise.all(Array.from({ length: 40 }, (_, index) =>
      get()[index % 2]!.reserve({ ns, kind: 'container', name: `c${index}`, size: 3, room: 20 })))
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'reserved').length, 6)
  })
}

const [limit, room] = [5, 12]

/** Names whose number is their size. */
const names = Array.from({ length: 8 }, (_, size) => `n${size}`)
const sizeOf = (name: string) => Number(name.slice(1))

const name = fc.constantFrom(...names)
const gateway = fc.constantFrom(0, 1)

/** What happens to a namespace: objects are made, in part refused by the engine or lost in a crash of who makes them, are renamed and end. */
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ does: fc.constant('make' as const), gateway, name, fate: fc.constantFrom('claimed', 'claimed', 'refused', 'crashed') }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('end' as const), gateway, name: fc.constantFrom(...names, 'm1', 'm2') }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('rename' as const), gateway, name, to: fc.constantFrom('m1', 'm2') }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('settle' as const), gateway }) },
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function take(stores: [Store, Store], ns: string, one: Step): Promise<void> {
  const store = stores[one.gateway]!
  if (one.does === 'make') {
    const size = sizeOf(one.name)
    const { outcome } = await store.reserve({ ns, kind: 'container', name: one.name, limit, size, room, by: one.fate })
    if (outcome !== 'reserved' || one.fate === 'crashed') return
    if (one.fate === 'refused') await store.release(ns, 'container', one.name)
    else await store.claim({ ns, kind: 'container', name: one.name, id: engineId(), facts: { size }, size })
  } else if (one.does === 'settle') {
    for (const left of await store.reservations(ns)) if (left.facts['by'] === 'crashed') await store.release(ns, left.kind, left.name)
  } else {
    const claim = await store.byName(ns, 'container', one.name)
    if (claim?.id === undefined) return
    if (one.does === 'end') await store.releaseId(ns, 'container', claim.id)
    else await store.rename(ns, 'container', one.name, one.to)
  }
}

/** Everything that counts, with what it takes: of a claim that is its fact, of a reservation it is in its name. */
async function held(store: Store, ns: string): Promise<{ claim: Claim; size: number | undefined }[]> {
  const all = [...await store.claims(ns, 'container'), ...await store.reservations(ns)]
  const known = (claim: Claim) => claim.facts['size'] as number | undefined ?? (names.includes(claim.name) ? sizeOf(claim.name) : undefined)
  return all.map((claim) => ({ claim, size: known(claim) }))
}

function properties(get: Get, opened: () => Promise<string>): void {
  it('keeps count and sizes through every interleaving of two gateways and their crashes, and drifts nowhere', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { maxLength: 6 }), async (rounds) => {
      const stores = get()
      const ns = await opened()
      for (const round of rounds) {
        await Promise.all(round.map((one) => take(stores, ns, one)))
        const now = await held(stores[0], ns)
        assert.ok(now.length <= limit, `${now.length} objects`)
        assert.ok(now.reduce((sum, { size = 0 }) => sum + size, 0) <= room)
      }
      await exactly(stores, ns)
      for (const { claim } of await held(stores[1], ns)) await stores[1].release(ns, 'container', claim.name)
      assert.equal((await stores[0].reserve({ ns, kind: 'container', name: 'all', limit: 1, size: room, room })).outcome, 'reserved')
      await stores[0].forget(ns)
    }), { numRuns: 40 })
  })
}

/** What is free is what the objects that are there leave, neither less nor more. */
async function exactly([one, two]: [Store, Store], ns: string): Promise<void> {
  const now = await held(one, ns)
  if (now.some(({ size }) => size === undefined)) return
  const free = room - now.reduce((sum, { size = 0 }) => sum + size, 0)
  const probe = (store: Store, size: number) => store.reserve({ ns, kind: 'container', name: 'probe', size, room })
  assert.equal((await probe(two, free + 1)).outcome, 'full')
  assert.equal((await probe(one, free)).outcome, 'reserved')
  await two.release(ns, 'container', 'probe')
}

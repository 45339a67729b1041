import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { stringify } from '../../lib/json.ts'
import { namespaceToken } from '../../lib/names.ts'
import type { Kind, Namespace, Store } from '../../lib/store.ts'
import { farming } from './farm-contract.ts'

/** A namespace record with a fresh id; give what the test is about. */
export function namespaceRecord(given: Partial<Namespace> = {}): Namespace {
  return {
    id: namespaceToken(randomBytes(16)),
    host: 'local',
    policy: 'default',
    label: '',
    domain: 'project',
    by: 'operator',
    opened: 1_700_000_000_000,
    expires: 1_700_000_060_000,
    lease: 1_700_000_030_000,
    state: 'open',
    ...given,
  }
}

/** An engine id: 64 hex digits that begin as given. */
export function engineId(start = ''): string {
  return (start + randomBytes(32).toString('hex')).slice(0, 64)
}

const ownedAlone: Kind[] = ['container', 'exec', 'network', 'volume']
const sharedContent: Kind[] = ['image', 'reference']

/** What every store must do, whatever it is made of. `make` gives a store; the suite shuts it down. */
export function describeStore(title: string, make: () => Promise<Store>): void {
  describe(title, () => {
    let store: Store
    before(async () => { store = await make() })
    after(() => store.shutdown())
    const opened = async (given: Partial<Namespace> = {}) => {
      const namespace = namespaceRecord(given)
      await store.open(namespace)
      return namespace.id
    }
    namespaceLife(() => store, opened)
    farming(() => store, opened)
    reserving(() => store, opened)
    claiming(() => store, opened)
    renaming(() => store, opened)
    releasing(() => store, opened)
    finding(() => store, opened)
  })
}

export type Get = () => Store
export type Opened = (given?: Partial<Namespace>) => Promise<string>

function namespaceLife(get: Get, opened: Opened): void {
  it('gives back a namespace as it was opened, and nothing for an unknown one', async () => {
    const namespace = namespaceRecord({ host: 'big', policy: 'wide', domain: 'team/a', label: `it's — "text"; DROP` })
    await get().open(namespace)
    assert.deepEqual(await get().find(namespace.id), namespace)
    assert.deepEqual((await get().namespaces()).find(({ id }) => id === namespace.id), namespace)
    assert.equal(await get().find(namespaceRecord().id), undefined)
  })

  it('does not open an id twice, and keeps the first record', async () => {
    const first = namespaceRecord({ label: 'first' })
    await get().open(first)
    await assert.rejects(get().open({ ...first, label: 'second' }), new RegExp(first.id))
    assert.equal((await get().find(first.id))?.label, 'first')
  })

  it('moves the end of a lease forwards and never backwards', async () => {
    const ns = await opened({ lease: 2000 })
    await get().extend(ns, 3000)
    assert.equal((await get().find(ns))?.lease, 3000)
    await get().extend(ns, 1000)
    assert.equal((await get().find(ns))?.lease, 3000)
    const unknown = namespaceRecord().id
    await get().extend(unknown, 5000)
    assert.equal(await get().find(unknown), undefined)
  })

  it('closes once: true, then false; an unknown namespace is false', async () => {
    const ns = await opened()
    assert.equal(await get().close(ns), true)
    assert.equal((await get().find(ns))?.state, 'closing')
    assert.equal(await get().close(ns), false)
    assert.equal(await get().close(namespaceRecord().id), false)
  })

  it('forgets a namespace with its claims and reservations, and no other', async () => {
    const [gone, kept] = [await opened(), await opened()]
    const id = engineId()
    await get().claim({ ns: gone, kind: 'container', name: 'db', id })
    await get().reserve({ ns: gone, kind: 'volume', name: 'data' })
    await get().claim({ ns: kept, kind: 'container', name: 'db', id: engineId() })
    await get().forget(gone)
    assert.equal(await get().find(gone), undefined)
    assert.deepEqual(await get().claims(gone, 'container'), [])
    assert.deepEqual(await get().reservations(gone), [])
    assert.deepEqual(await get().owners('container', id), [])
    assert.equal((await get().claims(kept, 'container')).length, 1)
    await get().forget(gone)
  })
}

function reserving(get: Get, opened: Opened): void {
  it('gives a name to the first who reserves it and shows the others the claim', async () => {
    const ns = await opened()
    assert.deepEqual(await get().reserve({ ns, kind: 'container', name: 'db' }), { outcome: 'reserved' })
    assert.deepEqual(await get().reserve({ ns, kind: 'container', name: 'db' }),
      { outcome: 'taken', claim: { ns, kind: 'container', name: 'db', id: undefined, facts: {} } })
    const id = engineId()
    await get().claim({ ns, kind: 'container', name: 'db', id, facts: { auto: true } })
    assert.deepEqual(await get().reserve({ ns, kind: 'container', name: 'db', limit: 1 }),
      { outcome: 'taken', claim: { ns, kind: 'container', name: 'db', id, facts: { auto: true } } })
  })

  it('lets the same name be used by another kind and by another namespace', async () => {
    const [one, two] = [await opened(), await opened()]
    for (const [ns, kind] of [[one, 'container'], [one, 'network'], [two, 'container']] as const) {
      assert.deepEqual(await get().reserve({ ns, kind, name: 'db' }), { outcome: 'reserved' })
    }
  })

  it('counts claims and reservations of the kind against the limit', async () => {
    const ns = await opened()
    await get().reserve({ ns, kind: 'container', name: 'a', limit: 2 })
    await get().claim({ ns, kind: 'container', name: 'b', id: engineId() })
    await get().reserve({ ns, kind: 'network', name: 'n' })
    assert.deepEqual(await get().reserve({ ns, kind: 'container', name: 'c', limit: 2 }), { outcome: 'full', limit: 2, of: 'count' })
    assert.deepEqual(await get().reserve({ ns, kind: 'volume', name: 'v', limit: 0 }), { outcome: 'full', limit: 0, of: 'count' })
    await get().release(ns, 'container', 'a')
    assert.deepEqual(await get().reserve({ ns, kind: 'container', name: 'c', limit: 2 }), { outcome: 'reserved' })
  })

  it('never goes over the limit when many reserve at once', async () => {
    const ns = await opened()
    const outcomes = await Promise.all(Array.from({ length: 40 }, (_, index) =>
      get().reserve({ ns, kind: 'container', name: `c${index}`, limit: 7 })))
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'reserved').length, 7)
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'full').length, 33)
    assert.equal((await get().reservations(ns)).length, 7)
  })

  it('gives one of many the same name', async () => {
    const ns = await opened()
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => get().reserve({ ns, kind: 'volume', name: 'data' })))
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'reserved').length, 1)
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'taken').length, 19)
  })

  it('refuses reservations of closing and of unknown namespaces, whatever the name', async () => {
    const ns = await opened()
    await get().reserve({ ns, kind: 'container', name: 'db' })
    await get().close(ns)
    assert.deepEqual(await get().reserve({ ns, kind: 'container', name: 'new' }), { outcome: 'closed' })
    assert.deepEqual(await get().reserve({ ns, kind: 'container', name: 'db' }), { outcome: 'closed' })
    assert.deepEqual(await get().reserve({ ns: namespaceRecord().id, kind: 'container', name: 'db' }), { outcome: 'closed' })
  })

  it('lists reservations of every kind until they are claimed or released', async () => {
    const ns = await opened()
    for (const [kind, name] of [['container', 'a'], ['network', 'b'], ['volume', 'c']] as const) await get().reserve({ ns, kind, name })
    await get().claim({ ns, kind: 'network', name: 'b', id: engineId() })
    assert.deepEqual((await get().reservations(ns)).map(({ kind, name, id }) => [kind, name, id]),
      [['container', 'a', undefined], ['volume', 'c', undefined]])
    await get().release(ns, 'container', 'a')
    await get().release(ns, 'volume', 'c')
    assert.deepEqual(await get().reservations(ns), [])
  })
}

function claiming(get: Get, opened: Opened): void {
  it('keeps every digit of a number in facts', async () => {
    const ns = await opened()
    await get().claim({ ns, kind: 'container', name: 'db', id: engineId(), facts: { soft: 2n ** 63n - 1n } })
    const claim = await get().byName(ns, 'container', 'db')
    assert.equal(stringify(claim?.facts), '{"soft":9223372036854775807}')
  })

  it('records id and facts of a reserved name, and of a name nobody reserved', async () => {
    const ns = await opened()
    const id = engineId()
    const facts = { image: 'busybox', ports: [1, 2], deep: { text: 'ü', none: null, off: false } }
    await get().reserve({ ns, kind: 'container', name: 'db' })
    assert.equal(await get().claim({ ns, kind: 'container', name: 'db', id, facts }), true)
    assert.deepEqual(await get().byName(ns, 'container', 'db'), { ns, kind: 'container', name: 'db', id, facts })
    assert.equal(await get().claim({ ns, kind: 'network', name: 'net', id }), true)
    assert.deepEqual(await get().byId(ns, 'network', id), { ns, kind: 'network', name: 'net', id, facts: {} })
  })

  for (const kind of ownedAlone) {
    it(`refuses the claim on another namespace's ${kind} and changes nothing`, async () => {
      const [owner, thief] = [await opened(), await opened()]
      const id = engineId()
      await get().claim({ ns: owner, kind, name: 'mine', id })
      await get().reserve({ ns: thief, kind, name: 'reserved' })
      assert.equal(await get().claim({ ns: thief, kind, name: 'reserved', id }), false)
      assert.equal(await get().claim({ ns: thief, kind, name: 'fresh', id }), false)
      assert.deepEqual(await get().owners(kind, id), [owner])
      assert.equal(await get().byId(thief, kind, id), undefined)
      assert.deepEqual((await get().reservations(thief)).map(({ name }) => name), ['reserved'])
    })
  }

  for (const kind of sharedContent) {
    it(`lets several namespaces claim the same ${kind} id`, async () => {
      const both = [await opened(), await opened()].sort()
      const id = `sha256:${engineId()}`
      for (const ns of both) assert.equal(await get().claim({ ns, kind, name: 'docker.io/library/busybox:latest', id }), true)
      assert.deepEqual((await get().owners(kind, id)).sort(), both)
    })
  }

  it('keeps several references to one image and moves a reference to another', async () => {
    const ns = await opened()
    const [before, later] = [engineId(), engineId()]
    for (const name of ['a:1', 'b:1']) await get().claim({ ns, kind: 'reference', name, id: before })
    assert.deepEqual(await get().owners('reference', before), [ns])
    await get().claim({ ns, kind: 'reference', name: 'b:1', id: later, facts: { pulled: 1 } })
    assert.equal((await get().byName(ns, 'reference', 'a:1'))?.id, before)
    assert.deepEqual(await get().byName(ns, 'reference', 'b:1'), { ns, kind: 'reference', name: 'b:1', id: later, facts: { pulled: 1 } })
    assert.equal((await get().claims(ns, 'reference')).length, 2)
  })

  it('refuses claims for a namespace that is closing or unknown, so that nothing made late is kept', async () => {
    const ns = await opened()
    await get().close(ns)
    assert.equal(await get().claim({ ns, kind: 'container', name: 'late', id: engineId() }), false)
    assert.equal(await get().claim({ ns: namespaceRecord().id, kind: 'container', name: 'late', id: engineId() }), false)
    assert.deepEqual(await get().claims(ns, 'container'), [])
  })

  it('forgets old facts when a claim is overwritten without any', async () => {
    const ns = await opened()
    await get().claim({ ns, kind: 'reference', name: 'a:1', id: engineId(), facts: { old: true } })
    await get().claim({ ns, kind: 'reference', name: 'a:1', id: engineId() })
    assert.deepEqual((await get().byName(ns, 'reference', 'a:1'))?.facts, {})
  })

  it('lets an id be claimed by another namespace once its owner has released it', async () => {
    const [first, second] = [await opened(), await opened()]
    const id = engineId()
    await get().claim({ ns: first, kind: 'network', name: 'n', id })
    await get().release(first, 'network', 'n')
    assert.equal(await get().claim({ ns: second, kind: 'network', name: 'n', id }), true)
  })
}

function renaming(get: Get, opened: Opened): void {
  it('renames a claim and keeps its id and facts', async () => {
    const ns = await opened()
    const id = engineId()
    await get().claim({ ns, kind: 'container', name: 'old', id, facts: { a: 1 } })
    assert.equal(await get().rename(ns, 'container', 'old', 'new'), 'renamed')
    assert.equal(await get().byName(ns, 'container', 'old'), undefined)
    assert.deepEqual(await get().byName(ns, 'container', 'new'), { ns, kind: 'container', name: 'new', id, facts: { a: 1 } })
    assert.deepEqual(await get().byId(ns, 'container', id), { ns, kind: 'container', name: 'new', id, facts: { a: 1 } })
    assert.deepEqual(await get().reserve({ ns, kind: 'container', name: 'old' }), { outcome: 'reserved' })
  })

  it('does not rename to a name in use, claimed or reserved, nor to its own', async () => {
    const ns = await opened()
    for (const name of ['a', 'b']) await get().claim({ ns, kind: 'container', name, id: engineId() })
    await get().reserve({ ns, kind: 'container', name: 'c' })
    for (const to of ['a', 'b', 'c']) assert.equal(await get().rename(ns, 'container', 'a', to), 'taken')
    assert.equal((await get().claims(ns, 'container')).length, 2)
  })

  it('calls a rename of nothing missing, also when the new name is in use or the old one is of another kind or namespace', async () => {
    const [ns, other] = [await opened(), await opened()]
    await get().claim({ ns, kind: 'container', name: 'a', id: engineId() })
    await get().claim({ ns, kind: 'volume', name: 'v', id: 'v' + engineId() })
    await get().claim({ ns: other, kind: 'container', name: 'theirs', id: engineId() })
    for (const from of ['nothing', 'v', 'theirs']) assert.equal(await get().rename(ns, 'container', from, 'a'), 'missing')
  })
}

function releasing(get: Get, opened: Opened): void {
  it('ends a claim or reservation by name, of this kind and namespace only', async () => {
    const [ns, other] = [await opened(), await opened()]
    await get().claim({ ns, kind: 'container', name: 'db', id: engineId() })
    await get().claim({ ns, kind: 'network', name: 'db', id: engineId() })
    await get().claim({ ns: other, kind: 'container', name: 'db', id: engineId() })
    await get().release(ns, 'container', 'db')
    await get().release(ns, 'container', 'never-there')
    assert.equal(await get().byName(ns, 'container', 'db'), undefined)
    assert.ok(await get().byName(ns, 'network', 'db'))
    assert.ok(await get().byName(other, 'container', 'db'))
  })

  it('ends every claim on an id and tells the names, of one namespace only', async () => {
    const [ns, other] = [await opened(), await opened()]
    const id = engineId()
    for (const name of ['a:1', 'b:1']) await get().claim({ ns, kind: 'reference', name, id })
    await get().claim({ ns: other, kind: 'reference', name: 'a:1', id })
    assert.deepEqual((await get().releaseId(ns, 'reference', id)).sort(), ['a:1', 'b:1'])
    assert.deepEqual(await get().releaseId(ns, 'reference', id), [])
    assert.deepEqual(await get().owners('reference', id), [other])
  })
}

function finding(get: Get, opened: Opened): void {
  it('does not find reservations, nor the objects of another namespace or kind', async () => {
    const [ns, other] = [await opened(), await opened()]
    const id = engineId()
    await get().reserve({ ns, kind: 'container', name: 'reserved' })
    await get().claim({ ns: other, kind: 'container', name: 'theirs', id })
    assert.equal(await get().byName(ns, 'container', 'reserved'), undefined)
    assert.equal(await get().byName(ns, 'container', 'theirs'), undefined)
    assert.equal(await get().byId(ns, 'container', id), undefined)
    assert.equal(await get().byId(other, 'network', id), undefined)
    assert.deepEqual(await get().byIdPrefix(ns, 'container', id.slice(0, 12)), [])
    assert.deepEqual(await get().claims(ns, 'container'), [])
  })

  it('finds by id prefix: none, the one, or two that tell it is ambiguous', async () => {
    const [ns, other] = [await opened(), await opened()]
    const ids = ['abc0', 'abc1', 'abc2', 'abd0'].map(engineId)
    for (const id of ids) await get().claim({ ns, kind: 'container', name: `n-${id}`, id })
    await get().claim({ ns: other, kind: 'container', name: 'theirs', id: engineId('abd1') })
    const found = async (prefix: string) => (await get().byIdPrefix(ns, 'container', prefix)).map(({ id }) => id)
    assert.deepEqual(await found('abd'), [ids[3]])
    assert.deepEqual(await found('abc1'), [ids[1]])
    assert.deepEqual(await found(String(ids[2])), [ids[2]])
    assert.deepEqual(await found('abe'), [])
    assert.deepEqual(await found('bc'), [])
    const ambiguous = await found('abc')
    assert.equal(ambiguous.length, 2)
    assert.equal(new Set(ambiguous).size, 2)
    assert.ok(ambiguous.every((id) => id?.startsWith('abc')))
  })

  it('finds the id that ends where the prefix ends, up to the last hex digit', async () => {
    const ns = await opened()
    const id = 'f'.repeat(60) + engineId().slice(0, 4)
    await get().claim({ ns, kind: 'network', name: 'n', id })
    for (const length of [1, 60, 64]) assert.equal((await get().byIdPrefix(ns, 'network', id.slice(0, length)))[0]?.id, id)
  })

  it('takes names as they are: no pattern, no folding of case', async () => {
    const ns = await opened()
    for (const name of ['a%', 'A%', 'a_', "a'b", 'a*']) await get().claim({ ns, kind: 'volume', name, id: `${ns}.${name}` })
    for (const name of ['a%', 'A%', 'a_', "a'b", 'a*']) assert.equal((await get().byName(ns, 'volume', name))?.id, `${ns}.${name}`)
    assert.equal(await get().byName(ns, 'volume', 'ab'), undefined)
    assert.equal(await get().byName(ns, 'volume', 'A_'), undefined)
  })

  it('lists claims oldest first', async () => {
    const ns = await opened()
    const names = ['z', 'm', 'a', 'k']
    for (const name of names) await get().claim({ ns, kind: 'container', name, id: engineId() })
    assert.deepEqual((await get().claims(ns, 'container')).map(({ name }) => name), names)
  })
}

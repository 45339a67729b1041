import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { it } from 'node:test'
import type { FarmHost } from '../../lib/farm.ts'
import type { Place } from '../../lib/store.ts'
import { namespaceRecord, type Get, type Opened } from './store-contract.ts'

const fresh = (start: string) => `${start}-${randomBytes(6).toString('hex')}`

/** What every store must do for the gateways of a farm. Other tests of the suite have namespaces in the store meanwhile. */
export function farming(get: Get, opened: Opened): void {
  hosts(get, opened)
  placing(get)
  times(get, opened)
  sharing(get)
}

function hosts(get: Get, opened: Opened): void {
  const find = async (name: string) => (await get().hosts()).find((host) => host.name === name)

  it('remembers hosts as they were last put, drained or not', async () => {
    const name = fresh('host')
    await get().putHost({ name, url: 'tcp://a:1', tls: { ca: 'A\nB' }, memory: 5, cpus: 1.5 })
    assert.deepEqual(JSON.parse(JSON.stringify(await find(name))), { name, url: 'tcp://a:1', tls: { ca: 'A\nB' }, memory: 5, cpus: 1.5, drained: false })
    assert.equal(await get().drainHost(name, true), true)
    await get().putHost({ name, url: 'tcp://b:1' })
    assert.deepEqual(JSON.parse(JSON.stringify(await find(name))), { name, url: 'tcp://b:1', drained: true } satisfies FarmHost)
    assert.equal(await get().drainHost(name, false), true)
    assert.equal((await find(name))?.drained, false)
    assert.equal(await get().drainHost(fresh('unknown'), true), false)
    assert.equal(await find('unknown'), undefined)
  })

  it('forgets a host only when no namespace lives there', async () => {
    const name = fresh('host')
    await get().putHost({ name, url: 'tcp://a:1' })
    await get().drainHost(name, true)
    const ns = await opened({ host: name })
    assert.equal(await get().removeHost(name), 'inhabited')
    await get().forget(ns)
    assert.equal(await get().removeHost(name), 'removed')
    assert.equal(await get().removeHost(name), 'unknown')
    await get().putHost({ name, url: 'tcp://a:1' })
    assert.equal((await find(name))?.drained, false)
  })

  it('lists the namespaces of one host, the first opened first', async () => {
    const [name, other] = [fresh('host'), fresh('host')]
    const later = await opened({ host: name, opened: 2 })
    const first = await opened({ host: name, opened: 1 })
    await opened({ host: other })
    assert.deepEqual((await get().namespaces(name)).map(({ id }) => id), [first, later])
    assert.deepEqual(await get().namespaces(fresh('host')), [])
  })

  it('tells the homes of a trust domain, whatever it is called', async () => {
    const domain = fresh('a\nb:%c')
    const [one, two] = [fresh('host'), fresh('host')]
    const gone = await opened({ host: one, domain })
    await opened({ host: one, domain })
    const last = await opened({ host: two, domain })
    await opened({ host: fresh('host'), domain: `${domain}x` })
    assert.deepEqual(await get().homes(domain), [one, two].sort())
    await get().forget(gone)
    await get().forget(last)
    assert.deepEqual(await get().homes(domain), [one])
    const { id } = namespaceRecord()
    await opened({ id, domain: id })
    assert.deepEqual(await get().homes(id), [])
  })
}

function placing(get: Get): void {
  const half: Place = { takes: { memory: 50, cpus: 0.7 }, of: { memory: 100, cpus: 1.5 } }
  const host = async () => {
    const name = fresh('host')
    await get().putHost({ name, url: 'tcp://a:1' })
    return name
  }
  const open = (name: string, place: Place, domain = 'd') => get().open(namespaceRecord({ host: name, domain }), place)

  it('takes namespaces while there is room, and counts what they reserve until they are forgotten', async () => {
    const name = await host()
    const first = namespaceRecord({ host: name })
    assert.equal(await get().open(first, half), 'opened')
    assert.equal(await open(name, half), 'opened')
    assert.deepEqual((await get().loads()).get(name), { namespaces: 2, memory: 100, cpus: 1.4 })
    assert.equal(await open(name, half), 'full')
    assert.equal(await open(name, { takes: { memory: 0, cpus: 0.2 }, of: half.of }), 'full')
    assert.equal(await open(name, { takes: { memory: 0, cpus: 0.1 }, of: half.of }), 'opened')
    await get().forget(first.id)
    await get().forget(first.id)
    assert.deepEqual((await get().loads()).get(name), { namespaces: 2, memory: 50, cpus: 0.8 })
    for (const { id } of await get().namespaces(name)) await get().forget(id)
    assert.equal((await get().loads()).get(name), undefined)
  })

  it('records nothing for who found no room', async () => {
    const name = await host()
    const refused = namespaceRecord({ host: name })
    assert.equal(await get().open(refused, { takes: { memory: 101, cpus: 0 }, of: half.of }), 'full')
    assert.equal(await get().find(refused.id), undefined)
    assert.deepEqual(await get().namespaces(name), [])
    assert.equal(await get().open(refused, half), 'opened')
  })

  it('takes none on a host that is drained or unknown', async () => {
    const name = await host()
    await get().drainHost(name, true)
    assert.equal(await open(name, half), 'drained')
    await get().drainHost(name, false)
    assert.equal(await open(name, half), 'opened')
    assert.equal(await open(fresh('unknown'), half), 'drained')
  })

  it('opens no more for an opener than it may have, whatever it is called and however many ask at once, until some are forgotten', async () => {
    const name = await host()
    const by = fresh('https://a:b\n%c#d')
    const openBy = (opener: string, most: number | undefined) => get().open(namespaceRecord({ host: name, by: opener }), { takes: { memory: 0, cpus: 0 }, of: half.of, ...(most !== undefined && { most }) })
    for (const other of [`${by}e`, by.slice(0, -1)]) assert.equal(await openBy(other, undefined), 'opened')
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => openBy(by, 7)))
    assert.deepEqual([outcomes.filter((one) => one === 'opened').length, outcomes.filter((one) => one === 'many').length], [7, 33])
    const mine = (await get().namespaces(name)).filter((one) => one.by === by)
    assert.equal(mine.length, 7)
    await get().close(mine[0]!.id)
    assert.equal(await openBy(by, 7), 'many')
    await get().forget(mine[0]!.id)
    assert.equal(await openBy(by, 7), 'opened')
    assert.equal(await openBy(by, 7), 'many')
    assert.equal(await openBy(by, undefined), 'opened')
  })

  it('never gives away more than there is, however many ask at once', async () => {
    const name = await host()
    const outcomes = await Promise.all(Array.from({ length: 60 }, () => open(name, { takes: { memory: 3, cpus: 0.1 }, of: { memory: 100, cpus: 2 } })))
    assert.equal(outcomes.filter((outcome) => outcome === 'opened').length, 20)
    const { memory, cpus } = (await get().loads()).get(name)!
    assert.deepEqual([memory, cpus], [60, 2])
  })
}

function times(get: Get, opened: Opened): void {
  it('finds what is due: leases and lifetimes that are over, and what is closing', async () => {
    const far = 4e12
    const over = await opened({ lease: 10, expires: far })
    const old = await opened({ lease: far, expires: 20 })
    const young = await opened({ lease: far, expires: far })
    const closing = await opened({ lease: far, expires: far })
    await get().close(closing)
    const due = async (now: number) => (await get().due(now)).map(({ id }) => id).filter((id) => [over, old, young, closing].includes(id)).sort()
    assert.deepEqual(await due(15), [over, closing].sort())
    assert.deepEqual(await due(25), [over, old, closing].sort())
    await get().extend(over, far)
    assert.deepEqual(await due(25), [old, closing].sort())
    assert.deepEqual(await due(15), [closing])
    await get().forget(closing)
    assert.deepEqual(await due(15), [])
    for (const ns of [over, old, young]) await get().forget(ns)
  })

  it('tells every gateway what began to close, once', async () => {
    const ns = await opened()
    assert.equal((await get().closings(0)).some((one) => one.ns === ns), false)
    await get().close(ns)
    const [told] = (await get().closings(0)).filter((one) => one.ns === ns)
    assert.ok(told)
    await get().close(ns)
    await get().forget(ns)
    assert.deepEqual((await get().closings(told.at)).filter((one) => one.ns === ns), [told])
    assert.deepEqual((await get().closings(told.at + 1)).filter((one) => one.ns === ns), [])
  })
}

function sharing(get: Get): void {
  it('gives a duty to one gateway at a time, until it leaves it or its time is over', async () => {
    const duty = fresh('reap')
    assert.equal(await get().takeDuty(duty, 'one', 60_000), true)
    assert.equal(await get().takeDuty(duty, 'two', 60_000), false)
    assert.equal(await get().takeDuty(duty, 'one', 60_000), true)
    await get().leaveDuty(duty, 'two')
    assert.equal(await get().takeDuty(duty, 'two', 60_000), false)
    await get().leaveDuty(duty, 'one')
    assert.equal(await get().takeDuty(duty, 'two', 1), true)
    while (!await get().takeDuty(duty, 'one', 60_000)) await new Promise((resolve) => setTimeout(resolve, 1))
  })

  it('lets one spend a thing, and again when its time is over', async () => {
    const what = fresh('spent')
    const spent = await Promise.all(Array.from({ length: 10 }, () => get().spend(what, 60_000)))
    assert.equal(spent.filter(Boolean).length, 1)
    await get().unspend(what)
    assert.deepEqual([await get().spend(what, 60_000), await get().spend(what, 60_000)], [true, false])
    const short = fresh('spent')
    assert.equal(await get().spend(short, 1), true)
    while (!await get().spend(short, 60_000)) await new Promise((resolve) => setTimeout(resolve, 1))
  })

  it('keeps tokens by name, each name once', async () => {
    const [one, two] = [fresh('a'), fresh('b')].map((name) => ({ name, hash: 'ab', grant: { policies: ['default'], domain: undefined, label: '', lifetime: undefined }, created: 1, expires: 2 }))
    assert.equal(await get().addToken(two!), true)
    assert.equal(await get().addToken(one!), true)
    assert.equal(await get().addToken({ ...one!, hash: 'cd' }), false)
    const known = async () => (await get().tokens()).filter(({ name }) => [one!.name, two!.name].includes(name)).map(({ name, hash }) => ({ name, hash }))
    assert.deepEqual(await known(), [{ name: one!.name, hash: 'ab' }, { name: two!.name, hash: 'ab' }])
    assert.equal(await get().removeToken(one!.name), true)
    assert.equal(await get().removeToken(one!.name), false)
    assert.deepEqual(await known(), [{ name: two!.name, hash: 'ab' }])
    await get().removeToken(two!.name)
  })

  it('gives one of many gateways the same duty', async () => {
    const duty = fresh('reap')
    const taken = await Promise.all(Array.from({ length: 20 }, (_, at) => get().takeDuty(duty, `g${at}`, 60_000)))
    assert.equal(taken.filter(Boolean).length, 1)
  })

  it('keeps what the first gateway gives it to keep', async () => {
    const name = fresh('authority')
    assert.equal(await get().kept(name), undefined)
    assert.equal(await get().keep(name, 'first\nü'), 'first\nü')
    assert.equal(await get().keep(name, 'second'), 'first\nü')
    assert.equal(await get().kept(name), 'first\nü')
  })
}

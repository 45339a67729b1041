import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { Store } from '../../lib/store.ts'
import type { Turns, TurnStore } from '../../lib/turns.ts'
import { turns } from '../../infra/turns.ts'
import { until } from '../setup/processes.ts'

const long = 100_000

/** What every record of turns must do. `make` gives a new connection to the same store each time; the suite shuts them down. */
export function describeTurns(title: string, make: () => Promise<Store>): void {
  describe(title, () => {
    const stores: Store[] = []
    before(async () => { stores.push(await make(), await make()) })
    after(() => Promise.all(stores.map((store) => store.shutdown())))
    taking(() => stores.map((store) => store.turns))
    working(() => stores.map((store) => turns(store.turns, { lasts: 3_000, kept: 200, asked: 20 })))
  })
}

const fresh = () => ({ key: `reference ${randomUUID()}\nwith a line`, holder: randomUUID() })

function taking(get: () => TurnStore[]): void {
  it('a turn is one holder\'s until he ends it, and the same in every connection', async () => {
    const [a, b] = get() as [TurnStore, TurnStore]
    const { key, holder } = fresh()
    assert.deepEqual(await a.take({ key, holder, ms: long }), { taken: true })
    assert.deepEqual(await b.take({ key, holder: 'other', ms: long }), { taken: false })
    assert.deepEqual(await a.take({ key, holder, ms: long }), { taken: true })
    await b.end(key, 'other')
    assert.deepEqual(await b.take({ key, holder: 'other', ms: long }), { taken: false })
    await a.end(key, holder)
    assert.deepEqual(await b.take({ key, holder: 'other', ms: long }), { taken: true })
    assert.equal(await a.keep({ key, holder, ms: long }), false)
    await b.end(key, 'other')
  })

  it('a turn that is over tells its note to the next, and to whoever looks, until somebody ends it', async () => {
    const [a, b] = get() as [TurnStore, TurnStore]
    const { key, holder } = fresh()
    await a.take({ key, holder, ms: long })
    assert.equal(await a.keep({ key, holder, ms: long, note: 'a:1\nb' }), true)
    assert.ok(!(await b.left()).includes(key))
    assert.equal(await a.keep({ key, holder, ms: 0 }), true)
    assert.ok((await b.left()).includes(key))
    assert.deepEqual(await b.take({ key, holder: 'second', ms: 0 }), { taken: true, left: 'a:1\nb' })
    assert.equal(await a.keep({ key, holder, ms: long }), false)
    assert.deepEqual(await a.take({ key, holder: 'third', ms: long }), { taken: true, left: 'a:1\nb' })
    await a.end(key, 'third')
    assert.ok(!(await b.left()).includes(key))
    assert.deepEqual(await b.take({ key, holder: 'fourth', ms: long }), { taken: true })
    await b.end(key, 'fourth')
  })
}

function working(get: () => Turns[]): void {
  it('two gateways never work at one time, and each that waits gets its turn', async () => {
    const { key } = fresh()
    let [working, done] = [0, 0]
    const work = async () => {
      assert.equal(++working, 1)
      await new Promise(setImmediate)
      working--
      done++
    }
    await Promise.all([...get(), ...get(), ...get()].map((turns) => turns.inTurn(key, work)))
    assert.equal(done, 6)
  })

  it('work that fails ends its turn and throws what it threw', async () => {
    const [a, b] = get() as [Turns, Turns]
    const { key } = fresh()
    await assert.rejects(a.inTurn(key, async () => { throw new Error('no luck') }), /no luck/)
    assert.equal(await b.inTurn(key, async (turn) => turn.left), undefined)
  })

  it('who leaves the queue is gone at once, and those behind him get their turns', async () => {
    const [a, b] = get() as [Turns, Turns]
    const { key } = fresh()
    const [leaving, finish] = [new AbortController(), new AbortController()]
    const started = Promise.withResolvers<void>()
    const first = a.inTurn(key, () => new Promise((resolve) => { finish.signal.addEventListener('abort', resolve); started.resolve() }))
    await started.promise
    const leavers = [a, b].map((turns) => turns.inTurn(key, async () => assert.fail('never'), leaving.signal))
    const last = a.inTurn(key, async () => 'mine')
    leaving.abort(new Error('gone'))
    for (const leaver of leavers) await assert.rejects(leaver, /gone/)
    finish.abort()
    await first
    assert.equal(await last, 'mine')
  })

  it('an abandoned turn is found with its note when its time is over', async () => {
    const [a, b] = get() as [Turns, Turns]
    const { key } = fresh()
    await a.inTurn(key, async (turn) => { await turn.note('half'); turn.abandon() })
    await until(async () => (await b.left()).includes(key), 'the turn is over', 60_000)
    assert.equal(await b.inTurn(key, async (turn) => turn.left), 'half')
    assert.equal(await a.inTurn(key, async (turn) => turn.left), undefined)
  })
}

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { houseClock } from '../../infra/clock.ts'

const [second, hour] = [1000, 3_600_000]

/** A clock that is taken from a reference which the test sets, and what it said. */
async function clock({ answerTakes = 0 } = {}) {
  const world = { time: 1_800_000_000_000, elapsed: 0, answerTakes }
  const said: string[] = []
  const { now, check } = houseClock({
    ask: async () => {
      world.elapsed += world.answerTakes
      return world.time + world.elapsed
    },
    monotonic: () => world.elapsed,
    onSet: (by) => void said.push(`set ${by / second}`),
    onBelieved: async (then) => void said.push(`believed ${(then - 1_800_000_000_000 - world.elapsed) / second}`),
  })
  await check()
  const start = world.time
  /** Looks every two seconds for so long. */
  const pass = async (time: number) => {
    for (let passed = 0; passed < time; passed += 2 * second) {
      world.elapsed += 2 * second
      await check()
    }
  }
  return { now, check, pass, said, world, ahead: () => (now() - start - world.elapsed) / second }
}

describe('the clock that namespaces live by', () => {
  it('goes with its reference, and follows it where it drifts', async () => {
    const { pass, ahead, said, world } = await clock()
    for (let step = 0; step < 100; step++) {
      world.time += second / 10
      await pass(2 * second)
    }
    assert.deepEqual([ahead(), said], [10, []])
  })

  for (const by of [5 * hour, -5 * hour]) {
    it(`goes on by the time of before when its reference is set by ${by / hour} hours and set right soon`, async () => {
      const { pass, ahead, said, world } = await clock()
      world.time += by
      await pass(300 * second)
      assert.equal(ahead(), 0)
      world.time -= by
      await pass(1200 * second)
      assert.deepEqual([ahead(), said], [0, [`set ${by / second}`, 'set 0']])
    })

    it(`takes over what its reference was set to, ${by / hour} hours away, when that stays, and tells first`, async () => {
      const { pass, ahead, said, world } = await clock()
      world.time += by
      await pass(590 * second)
      assert.equal(ahead(), 0)
      await pass(20 * second)
      assert.deepEqual([ahead(), said], [by / second, [`set ${by / second}`, `believed ${by / second}`]])
    })
  }

  it('begins anew to wait when its reference is set again', async () => {
    const { pass, ahead, said, world } = await clock()
    world.time += hour
    await pass(400 * second)
    world.time += hour
    await pass(400 * second)
    assert.deepEqual([ahead(), said], [0, ['set 3600', 'set 7200']])
    await pass(300 * second)
    assert.equal(ahead(), 7200)
  })

  it('takes nothing from an answer that was long on its way', async () => {
    const { check, ahead, said, world } = await clock()
    world.answerTakes = 60 * second
    world.time += hour
    await check()
    assert.deepEqual([ahead(), said], [0, []])
  })

  it('is believed the next time when those who must hear of it first could not', async () => {
    let fails = true
    const world = { time: 0, elapsed: 0 }
    const { now, check } = houseClock({
      ask: async () => world.time + world.elapsed, monotonic: () => world.elapsed, onSet() {},
      async onBelieved() { if (fails) throw new Error('the store is away') },
    })
    await check()
    world.time += hour
    await check()
    world.elapsed += 700 * second
    await assert.rejects(check, /the store is away/)
    assert.equal(now(), world.elapsed)
    fails = false
    await check()
    assert.equal(now(), world.elapsed + hour)
  })
})

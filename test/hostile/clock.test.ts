import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { call, openDirectly, operate, type Direct } from '../setup/farm.ts'
import { startGateway, type Gateway } from '../setup/gateway.ts'
import { root } from '../setup/paths.ts'
import { until } from '../setup/processes.ts'
import { startRedis } from '../setup/redis.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

/** Times of day that jump, and machines whose time is wrong. */

const hour = 3_600_000
const directory = mkdtempSync(join(tmpdir(), 'moorage-clock-'))
after(() => rmSync(directory, { recursive: true }))

/** The environment of a gateway whose time is off by so much, and how to set it. */
function shifted(name: string, by: number) {
  const file = join(directory, name)
  const set = (milliseconds: number) => writeFileSync(file, String(milliseconds))
  set(by)
  return { set, env: { NODE_OPTIONS: `--import=${join(root, 'test/setup/shifted-clock.ts')}`, MOORAGE_TEST_CLOCK: file } }
}

/** Waits until namespaces whose time was over have been looked for: a short one is gone that is opened now. */
async function reaped(gateway: Gateway): Promise<void> {
  const { id } = await openDirectly(gateway, { lifetime: 1 })
  await until(async () => (await operate(gateway, 'GET', '/namespaces')).json.every((one: { id: string }) => one.id !== id), 'the short namespace is over')
}

const isServed = async (gateway: Gateway, namespace: Direct) => assert.equal((await call(gateway, namespace, 'GET', '/containers/json')).status, 200)

describe('a gateway whose machine is set', () => {
  it('forward or back by hours ends no namespace by that, and opens others', async () => {
    const { socket } = await sharedEngine('28.5')
    const { set, env } = shifted('alone', 0)
    const config = { controlGroups: 'off', policies: { default: { lifetime: 7200, idle: 3600 } } }
    const gateway = await startGateway({ engineSocket: socket, env, config })
    try {
      const before = await openDirectly(gateway)
      for (const by of [5 * hour, -5 * hour]) {
        const from = gateway.log().length
        set(by)
        process.kill(gateway.pid, 'SIGUSR2')
        await until(() => gateway.log().slice(from).includes(`The clock was set ${by > 0 ? 'forward' : 'back'} by 5 h.`), 'it is noticed')
        await reaped(gateway)
        await isServed(gateway, before)
        const meanwhile = await openDirectly(gateway)
        await isServed(gateway, meanwhile)
        set(0)
        process.kill(gateway.pid, 'SIGUSR2')
        await until(() => gateway.log().slice(from).includes('The clock is right again.'), 'it is noticed again')
        for (const one of [before, meanwhile]) await isServed(gateway, one)
      }
      // Opened as the clock is right, killed, and started by a clock that is ahead of all leases, though not of the lifetime.
      set(1.5 * hour)
      await gateway.kill()
      await gateway.restart()
      await reaped(gateway)
      await isServed(gateway, before)
    } finally {
      await gateway.moorage(['close', '--all'])
      await gateway.stop()
    }
  })
})

describe('a farm', () => {
  it('lives by the time of its store, whatever the machines of its gateways say', async () => {
    const [{ socket }, redis] = await Promise.all([sharedEngine('28.5'), startRedis()])
    const config = { store: redis.url, controlGroups: 'off', policies: { default: { lifetime: 3600, idle: 1800 } } }
    const right = await startGateway({ engineSocket: socket, config })
    const wrong = await startGateway({ engineSocket: socket, config, env: shifted('ahead', 5 * hour).env })
    try {
      const [one, other] = [await openDirectly(right), await openDirectly(wrong)]
      const listed = (await operate(right, 'GET', '/namespaces')).json as { id: string; expires: string; lease: string }[]
      for (const { expires, lease } of listed) {
        for (const moment of [expires, lease]) assert.ok(Date.parse(moment) > Date.now() && Date.parse(moment) < Date.now() + 2 * hour, moment)
      }
      await reaped(wrong)
      await reaped(right)
      for (const gateway of [right, wrong]) for (const namespace of [one, other]) await isServed(gateway, namespace)
    } finally {
      await right.moorage(['close', '--all'])
      await Promise.all([right.stop(), wrong.stop()])
      await redis.stop()
    }
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { startEngine } from '../setup/engine.ts'
import { call, openDirectly, operate, startFarm } from '../setup/farm.ts'
import type { Gateway } from '../setup/gateway.ts'
import { until } from '../setup/processes.ts'
import { startRedis } from '../setup/redis.ts'

test('what an engine makes late, for a gateway that has died, goes though its namespace was closed before', async () => {
  const [engine, redis] = await Promise.all([startEngine(), startRedis()])
  const client = new Redis(redis.url)
  const [dying, closing] = await startFarm(redis, engine, 2, { images: { shared: [] }, probe: { every: 1, patience: 120 } }) as [Gateway, Gateway]
  try {
    const { id, ...own } = await openDirectly(closing)
    const state = async () => (await operate(closing, 'GET', '/namespaces')).json.find((one: any) => one.id === id)?.state
    engine.signal('SIGSTOP')
    const lost = call(dying, { id, ...own }, 'POST', '/networks/create', { Name: 'late' }).catch(() => {})
    const reserved = async () => (await Promise.all((await client.keys(`*${id}*`)).map(async (key) => JSON.stringify(await client.hgetall(key).catch(() => ''))))).some((text) => text.includes('late'))
    await until(reserved, 'The name is reserved', 60_000)
    await dying.kill()
    await lost
    const closed = operate(closing, 'DELETE', `/namespaces/${id}`)
    await until(async () => await state() !== 'open', 'Closing has begun', 60_000)
    engine.signal('SIGCONT')
    assert.equal((await closed).status, 200)
    await until(async () => await state() === undefined, 'The namespace is closed', 180_000)
    const events = () => engine.docker('events', '--since', '1h', '--until', '0s', '--filter', 'type=network', '--format', '{{.Action}} {{.Actor.Attributes.name}}')
    await until(async () => (await events()).includes(`create ${id}.late`), 'The engine has made it', 60_000)
    await until(async () => !(await engine.docker('network', 'ls')).includes('late'), 'It is removed', 120_000)
  } finally {
    engine.signal('SIGCONT')
    client.disconnect()
    await Promise.all([dying.stop(), closing.stop()])
    await redis.stop()
    engine.stop()
  }
})

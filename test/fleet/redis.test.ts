import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { cli, docker } from '../setup/cli.ts'
import type { Engine } from '../setup/engine.ts'
import { call, openDirectly, operate, socketOf, startFarm, through } from '../setup/farm.ts'
import type { Gateway } from '../setup/gateway.ts'
import { until } from '../setup/processes.ts'
import { startRedisCluster } from '../setup/redis-cluster.ts'
import { startRedisPair } from '../setup/redis-sentinel.ts'
import { startRedis, type RedisServer } from '../setup/redis.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

const says503 = ({ status, text }: { status: number; text: string }) => status === 503 && /the gateway's store does not answer \(Redis: .*\); what runs goes on, try again in a moment/.test(text)

describe('a farm whose Redis fails', () => {
  let [engine, redis, a, b] = [] as unknown as [Engine, RedisServer, Gateway, Gateway]
  before(async () => {
    ;[engine, redis] = await Promise.all([sharedEngine('28.5'), startRedis()])
    ;[a, b] = await startFarm(redis, engine, 2, { orphanGrace: 1 }) as [Gateway, Gateway]
  })
  after(async () => {
    await Promise.all([a?.stop(), b?.stop()])
    await redis?.stop()
  })

  it('refuses new work with a sentence while Redis hangs, lets streams go on, and recovers by itself', async () => {
    const namespace = await a.open()
    await docker(namespace.env, ['run', '-d', '--name', 'db', 'busybox', 'sleep', '1000'])
    const stream = cli(through(b, namespace), ['exec', 'db', 'sh', '-c', 'echo begun; until [ -e /go ]; do sleep 0.1; done; echo done'])
    await until(async () => (await docker(namespace.env, ['top', 'db'])).includes('echo begun'), 'The exec runs', 60_000)
    redis.signal('SIGSTOP')
    try {
      await until(async () => says503(await call(a, namespace, 'GET', '/containers/json')), 'New work is refused', 60_000)
      await until(async () => says503(await operate(b, 'POST', '/namespaces', {})), 'Opening is refused', 60_000)
      await engine.docker('exec', `${namespace.id}.db`, 'touch', '/go')
      assert.equal((await stream).stdout, 'begun\ndone\n')
    } finally {
      redis.signal('SIGCONT')
    }
    await until(async () => (await call(a, namespace, 'GET', '/containers/db/json')).status === 200, 'The gateway recovers', 60_000)
    await until(async () => (await call(b, namespace, 'GET', '/containers/db/json')).status === 200, 'The other recovers', 60_000)
    assert.match(a.log(), /The store cannot be used: it does not answer \(Redis: /)
    await until(() => a.log().includes('The store works again.'), 'The recovery is told')
    await a.moorage(['close', namespace.id])
  })

  it('has its authority, token and hosts again after Redis lost everything, and removes what belongs to nobody after a while', async (t) => {
    const [lost, foreign] = [await openDirectly(a), 'zzzzaaaaaaaaaaaa']
    await call(a, lost, 'POST', '/volumes/create', { Name: 'orphan' })
    await engine.docker('volume', 'create', `${foreign}.volume`)
    const stream = await socketOf(b, lost)
    stream.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(stream, 'data')
    assert.equal((await operate(a, 'POST', '/hosts', { name: 'second', url: `unix://${engine.socket}` })).status, 201)
    const client = new Redis(redis.url).on('error', () => {})
    await client.flushall()
    t.after(() => client.disconnect())
    await until(async () => await client.hexists('moorage:{farm}:kept', 'authority') === 1, 'The authority is kept again', 60_000)
    await until(async () => (await operate(b, 'GET', '/hosts')).json.length === 2, 'The hosts are back', 60_000)
    assert.equal(stream.destroyed, false)
    stream.destroy()
    await until(async () => (await call(a, lost, 'GET', '/containers/json')).text.includes('is closed'), 'The namespace is gone', 60_000)
    const fresh = await openDirectly(b)
    assert.equal(fresh.id.slice(0, 4), lost.id.slice(0, 4))
    assert.equal((await call(a, fresh, 'POST', '/volumes/create', { Name: 'kept' })).status, 201)
    const volumes = async () => (await engine.docker('volume', 'ls', '-q')).split('\n')
    await until(async () => !(await volumes()).includes(`${lost.id}.orphan`), 'The orphan is removed', 120_000)
    assert.ok((await volumes()).includes(`${foreign}.volume`))
    assert.ok((await volumes()).includes(`${fresh.id}.kept`))
    await engine.docker('volume', 'rm', `${foreign}.volume`)
    await a.moorage(['close', fresh.id])
    await a.moorage(['hosts', 'remove', 'second'])
  })

  it('works again after Redis was killed and started empty', async () => {
    await redis.kill()
    await until(async () => says503(await operate(a, 'POST', '/namespaces', {})), 'Opening is refused', 60_000)
    await redis.start()
    await until(async () => (await operate(b, 'POST', '/namespaces', {})).status === 201, 'Opening works', 60_000)
    await until(async () => (await operate(a, 'POST', '/namespaces', {})).status === 201, 'At the other too', 60_000)
    await a.moorage(['close', '--all'])
  })
})

describe('a farm on a Redis that fails over', () => {
  it('goes on with the replica, and knows its namespaces', async () => {
    const [engine, pair] = await Promise.all([sharedEngine('28.5'), startRedisPair()])
    const [gateway] = await startFarm(pair, engine, 1) as [Gateway]
    try {
      const namespace = await openDirectly(gateway)
      assert.equal((await call(gateway, namespace, 'POST', '/volumes/create', { Name: 'data' })).status, 201)
      const replica = new Redis(pair.replica.url)
      await until(async () => await replica.exists(`moorage:{${namespace.id}}:volume:names`) === 1, 'The replica has it', 60_000)
      replica.disconnect()
      await pair.primary.kill()
      await until(async () => (await call(gateway, namespace, 'POST', '/volumes/create', { Name: 'later' })).status === 201, 'The replica serves', 90_000)
      assert.deepEqual((await call(gateway, namespace, 'GET', '/volumes')).json.Volumes.map((one: any) => one.Name).sort(), ['data', 'later'])
      assert.equal((await operate(gateway, 'DELETE', `/namespaces/${namespace.id}`)).status, 200)
    } finally {
      await gateway.stop()
      await pair.stop()
    }
  })
})

describe('a farm on a Redis Cluster', () => {
  it('opens, uses and closes namespaces whose keys are on other nodes', async () => {
    const [engine, cluster] = await Promise.all([sharedEngine('28.5'), startRedisCluster()])
    const [a, b] = await startFarm(cluster, engine, 2) as [Gateway, Gateway]
    try {
      const opened = await Promise.all(Array.from({ length: 6 }, (_, at) => openDirectly(at % 2 ? a : b)))
      await Promise.all(opened.map(async (namespace) => {
        assert.equal((await call(a, namespace, 'POST', '/volumes/create', { Name: 'data' })).status, 201)
        assert.equal((await call(b, namespace, 'GET', '/volumes/data')).status, 200)
      }))
      const closed = await Promise.all(opened.map(({ id }, at) => operate(at % 2 ? b : a, 'DELETE', `/namespaces/${id}`)))
      assert.deepEqual(closed.map(({ json }) => json.removed.volumes), opened.map(() => ['data']))
      assert.deepEqual((await operate(a, 'GET', '/namespaces')).json, [])
    } finally {
      await Promise.all([a.stop(), b.stop()])
      await cluster.stop()
    }
  })
})

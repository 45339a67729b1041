import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import type { Cluster, Command, Redis } from 'ioredis'
import { Refusal } from '../../lib/refusal.ts'
import type { Store } from '../../lib/store.ts'
import { openRedisStore } from '../../infra/stores/redis.ts'
import { connectRedis } from '../../infra/stores/redis/connect.ts'
import { until } from '../setup/processes.ts'
import { hasValkey, startRedis, startValkey, type RedisServer } from '../setup/redis.ts'
import { startRedisCluster, type RedisCluster } from '../setup/redis-cluster.ts'
import { describeQuotas } from './quotas-contract.ts'
import { describeStore, engineId, namespaceRecord } from './store-contract.ts'
import { describeTurns } from './turns-contract.ts'

const connections: (Redis | Cluster)[] = []
after(() => connections.forEach((redis) => redis.disconnect()))

async function connected(url: string, options: Parameters<typeof connectRedis>[1] = {}): Promise<Redis | Cluster> {
  const redis = connectRedis(url, options)
  connections.push(redis)
  await once(redis, 'ready')
  return redis
}

describe('the Redis store', () => {
  let server: RedisServer
  before(async () => { server = await startRedis() })
  after(() => server.stop())

  keepsContracts(() => server.url)
  leavingNothing(async () => connected(server.url))
  dying(async () => connected(server.url))
  sharing(() => server)
})

describe('the Redis store on Valkey', { skip: hasValkey() ? false : 'Debian\'s backports cannot be had here' }, () => {
  let server: RedisServer
  before(async () => { server = await startValkey() })
  after(() => server.stop())

  keepsContracts(() => server.url)
  leavingNothing(async () => connected(server.url))
})

describe('the Redis store on a cluster', () => {
  let cluster: RedisCluster
  before(async () => { cluster = await startRedisCluster() })
  after(() => cluster.stop())

  keepsContracts(() => cluster.url)

  it('spreads namespaces over the nodes', async () => {
    const store = openRedisStore(await connected(cluster.url))
    const opened = Array.from({ length: 40 }, () => namespaceRecord())
    for (const namespace of opened) await store.open(namespace)
    const known = new Set((await store.namespaces()).map(({ id }) => id))
    assert.ok(opened.every(({ id }) => known.has(id)))
    await store.shutdown()
    for (const { url } of cluster.nodes) {
      const node = await connected(url) as Redis
      assert.ok(await node.dbsize() > 1)
      node.disconnect()
    }
  })
})

function keepsContracts(url: () => string): void {
  const open = async () => openRedisStore(await connected(url()))
  describeStore('keeps the contract', open)
  describeTurns('keeps turns', open)
  describeQuotas('keeps quotas', open)
}

function leavingNothing(connect: () => Promise<Redis | Cluster>): void {
  it('holds no key of a namespace that is forgotten, whatever it did', async () => {
    const redis = await connect() as Redis
    const store = openRedisStore(redis)
    await redis.flushall()
    const { id: ns } = await opened(store)
    const ids = Array.from({ length: 6 }, () => engineId())
    for (const [at, id] of ids.entries()) await store.claim({ ns, kind: at % 2 ? 'container' : 'image', name: `n${at}`, id })
    await store.reserve({ ns, kind: 'volume', name: 'reserved' })
    await store.release(ns, 'container', 'n1')
    await store.releaseId(ns, 'image', ids[2]!)
    await store.rename(ns, 'container', 'n3', 'renamed')
    await store.claim({ ns, kind: 'image', name: 'n0', id: engineId() })
    await store.forget(ns)
    assert.deepEqual(await redis.keys('*'), [])
    await store.shutdown()
  })

  it('takes one claim of an id away and keeps the entry of the other', async () => {
    const store = openRedisStore(await connect())
    const { id: ns } = await opened(store)
    const id = engineId()
    for (const name of ['a:1', 'b:1']) await store.claim({ ns, kind: 'reference', name, id })
    await store.release(ns, 'reference', 'a:1')
    assert.deepEqual(await store.owners('reference', id), [ns])
    await store.release(ns, 'reference', 'b:1')
    assert.deepEqual(await store.owners('reference', id), [])
    await store.shutdown()
  })

  it('answers plain calls with one command', async () => {
    const redis = await connect()
    const store = openRedisStore(redis)
    const { id: ns } = await opened(store)
    await store.claim({ ns, kind: 'container', name: 'db', id: engineId('abc') })
    let commands = 0
    const send = redis.sendCommand.bind(redis)
    redis.sendCommand = (command: Command) => {
      commands++
      return send(command)
    }
    for (const verb of [
      () => store.find(ns), () => store.byName(ns, 'container', 'db'), () => store.byId(ns, 'container', engineId()),
      () => store.byIdPrefix(ns, 'container', 'abc'), () => store.claims(ns, 'container'), () => store.reserve({ ns, kind: 'container', name: 'x', limit: 5 }),
    ]) {
      commands = 0
      await verb()
      assert.equal(commands, 1, String(verb))
    }
    await store.shutdown()
  })
}

/** A gateway that dies after its nth command: the connection fails every later one. */
function dyingAfter(redis: Redis | Cluster, commands: number): void {
  const send = redis.sendCommand.bind(redis)
  redis.sendCommand = (command: Command) => {
    if (commands-- > 0) return send(command)
    command.reject(new Error('died'))
    return command.promise
  }
}

function dying(connect: () => Promise<Redis | Cluster>): void {
  for (const [verb, act] of Object.entries({
    claim: (store: Store, ns: string, id: string) => store.claim({ ns, kind: 'container', name: 'new', id }),
    release: (store: Store, ns: string) => store.release(ns, 'container', 'old'),
    releaseId: (store: Store, ns: string, _new: string, id: string) => store.releaseId(ns, 'container', id),
    forget: (store: Store, ns: string) => store.forget(ns),
  })) {
    it(`never has a claim that the index does not know, wherever a gateway dies in ${verb}, and forgets all the same`, async () => {
      const redis = await connect() as Redis
      const store = openRedisStore(redis)
      await redis.flushall()
      for (let commands = 0, died = true; died; commands++) {
        const { id: ns } = await opened(store)
        const [fresh, old] = [engineId(), engineId()]
        await store.claim({ ns, kind: 'container', name: 'old', id: old })
        const short = await connect()
        const mortal = openRedisStore(short)
        dyingAfter(short, commands)
        died = await (act(mortal, ns, fresh, old) as Promise<unknown>).then(() => false, () => true)
        await mortal.shutdown()
        for (const id of [fresh, old]) {
          const owned = await store.byId(ns, 'container', id) !== undefined
          const closing = (await store.find(ns))?.state !== 'open'
          if (!closing) assert.deepEqual(await store.owners('container', id), owned ? [ns] : [], `after ${commands} commands`)
        }
        await store.forget(ns)
        assert.deepEqual(await redis.keys('*'), [], `after ${commands} commands`)
      }
      await store.shutdown()
    })
  }
}

async function opened(store: Store) {
  const namespace = namespaceRecord()
  await store.open(namespace)
  return namespace
}

const saysAway = (error: unknown) => error instanceof Refusal && error.status === 503 && /Redis/.test(error.message)

function sharing(get: () => RedisServer): void {
  it('keeps one limit and one owner when two gateways write', async () => {
    const [one, two] = [openRedisStore(await connected(get().url)), openRedisStore(await connected(get().url))]
    const [first, second] = [await opened(one), await opened(one)]
    const outcomes = await Promise.all(Array.from({ length: 40 }, (_, at) =>
      (at % 2 ? one : two).reserve({ ns: first.id, kind: 'network', name: `n${at}`, limit: 5 })))
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'reserved').length, 5)
    for (let at = 0; at < 20; at++) {
      const id = engineId()
      const claims = await Promise.all([[one, first], [two, second]].map(([store, { id: ns }]: any) => store.claim({ ns, kind: 'container', name: `c${at}`, id })))
      assert.equal(claims.filter(Boolean).length, 1)
      assert.equal((await two.owners('container', id)).length, 1)
    }
    await one.shutdown()
    await two.shutdown()
  })

  it('refuses with 503 while Redis is away, says so once, and works when it is back', async () => {
    const said: string[] = []
    const store = openRedisStore(await connected(get().url, { onAway: (reason) => said.push(reason), onReady: () => said.push('ready') }))
    await opened(store)
    await get().kill()
    await assert.rejects(store.namespaces(), saysAway)
    await until(() => said.length === 2, 'The loss is told')
    await assert.rejects(store.reserve({ ns: 'x', kind: 'container', name: 'y' }), saysAway)
    await get().start()
    await until(() => store.namespaces().then(() => true, () => false), 'The store is back')
    assert.deepEqual(await store.namespaces(), [])
    await opened(store)
    assert.equal(said.length, 3)
    await store.shutdown()
  })

  it('gives up on a Redis that hangs, queues nothing, and works when it goes on', async () => {
    const store = openRedisStore(await connected(get().url))
    const { id } = await opened(store)
    get().signal('SIGSTOP')
    try {
      await assert.rejects(store.find(id), saysAway)
      await assert.rejects(store.find(id), saysAway)
    } finally {
      get().signal('SIGCONT')
    }
    await until(() => store.find(id).then(() => true, () => false), 'The store is back')
    assert.equal((await store.find(id))?.state, 'open')
    await store.shutdown()
  })

  it('finds its scripts again after Redis has lost them', async () => {
    const redis = await connected(get().url) as Redis
    const store = openRedisStore(redis)
    const { id: ns } = await opened(store)
    await store.reserve({ ns, kind: 'container', name: 'a' })
    await redis.script('FLUSH')
    assert.deepEqual(await store.reserve({ ns, kind: 'container', name: 'b' }), { outcome: 'reserved' })
    await store.shutdown()
  })

  it('says which URLs it takes, without repeating a password', () => {
    for (const url of ['http://x', 'redis+sentinel://h:1', 'redis+cluster://h', 'redis+cluster://:geheim@h:1/x']) {
      assert.throws(() => connectRedis(url), (error: Error) => /redis:\/\/HOST:PORT/.test(error.message) && !error.message.includes('geheim'))
    }
  })
}

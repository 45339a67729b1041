import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { placer, type Roomy } from '../../infra/placement.ts'
import { connectRedis } from '../../infra/stores/redis/connect.ts'
import { openRedisStore } from '../../infra/stores/redis.ts'
import { openSqliteStore } from '../../infra/stores/sqlite.ts'
import { Refusal } from '../../lib/refusal.ts'
import type { Namespace, Store } from '../../lib/store.ts'
import { startRedis, type RedisServer } from '../setup/redis.ts'
import { until } from '../setup/processes.ts'
import { namespaceRecord } from './store-contract.ts'

const directory = mkdtempSync(join(tmpdir(), 'moorage-placement-'))
after(() => rmSync(directory, { recursive: true }))
let redis: RedisServer
before(async () => { redis = await startRedis() })
after(() => redis.stop())

/** Two gateways' stores over the same data. */
const pairs: Record<string, () => Promise<Store[]>> = {
  sqlite: async () => [1, 2].map(() => openSqliteStore(join(directory, 'store.sqlite'))),
  Redis: () => Promise.all([1, 2].map(async () => {
    const store = openRedisStore(connectRedis(redis.url))
    await until(() => store.hosts().then(() => true, () => false), 'Redis answers')
    return store
  })),
}

for (const [name, open] of Object.entries(pairs)) {
  describe(`two gateways placing namespaces with the ${name} store`, () => {
    let stores: Store[]
    before(async () => { stores = await open() })
    after(async () => { for (const store of stores) await store.shutdown() })

    async function farm(count: number, of = { memory: 5000, cpus: 25 }): Promise<Roomy[]> {
      for (const { id } of await stores[0]!.namespaces()) await stores[0]!.forget(id)
      const hosts = Array.from({ length: count }, (_, at) => ({ name: `h${at}`, of }))
      for (const host of hosts) {
        await stores[0]!.putHost({ name: host.name, url: 'unix:///nowhere' })
        await stores[0]!.drainHost(host.name, false)
      }
      return hosts
    }
    const wish = (given: Partial<Namespace> = {}) => namespaceRecord(given)
    const placers = () => stores.map((store) => placer(store, Date.now))
    const isFull = (error: unknown) => error instanceof Refusal && error.status === 503 && /no host has room for 0\.5 cores and 1 MiB of memory/.test(error.message)

    it('fills 20 hosts with 1,000 at once to the last share, and not one more', async () => {
      const hosts = await farm(20)
      const place = placers()
      const takes = { memory: 100, cpus: 0.5 }
      const placed = await Promise.allSettled(Array.from({ length: 1010 }, (_, at) => place[at % 2]!(wish(), takes, hosts)))
      const refused = placed.filter((one) => one.status === 'rejected')
      assert.equal(refused.length, 10, String(refused[0]?.reason))
      assert.ok(refused.every(({ reason }) => isFull(reason)), String(refused[0]?.reason))
      const loads = await stores[1]!.loads()
      assert.deepEqual([...loads.values()], hosts.map(() => ({ namespaces: 50, memory: 5000, cpus: 25 })))
    })

    it('spread namespaces evenly while there is room', async () => {
      const hosts = await farm(10)
      const place = placers()
      await Promise.all(Array.from({ length: 100 }, (_, at) => place[at % 2]!(wish(), { memory: 100, cpus: 0.5 }, hosts)))
      const counts = [...(await stores[0]!.loads()).values()].map(({ namespaces }) => namespaces)
      assert.equal(counts.length, 10)
      assert.ok(Math.max(...counts) <= 20, counts.join(' '))
    })

    it('keep a trust domain together while its home is not much fuller', async () => {
      const hosts = await farm(4)
      const [place] = placers()
      const takes = { memory: 200, cpus: 0 }
      const first = await place!(wish({ domain: 'project' }), takes, hosts)
      for (let at = 0; at < 3; at++) assert.equal((await place!(wish({ domain: 'project' }), takes, hosts)).host, first.host)
      const others = await Promise.all(Array.from({ length: 3 }, async () => {
        const { id } = wish()
        return (await place!(wish({ id, domain: id }), takes, hosts)).host
      }))
      assert.ok(!others.includes(first.host), others.join(' '))
    })

    it('leave a host alone that another gateway has drained', async () => {
      const hosts = await farm(2)
      const [place] = placers()
      await stores[1]!.drainHost('h0', true)
      for (let at = 0; at < 4; at++) assert.equal((await place!(wish(), { memory: 1, cpus: 0 }, hosts)).host, 'h1')
      await stores[1]!.drainHost('h1', true)
      await assert.rejects(place!(wish(), { memory: 1, cpus: 0 }, hosts), /no host has room/)
    })

    it('use what was given back at once', async () => {
      const hosts = await farm(1, { memory: 100, cpus: 1 })
      const [one, two] = placers()
      const takes = { memory: 100, cpus: 1 }
      const first = await one!(wish(), takes, hosts)
      await assert.rejects(two!(wish(), takes, hosts), Refusal)
      await stores[0]!.forget(first.id)
      assert.equal((await two!(wish(), takes, hosts)).host, 'h0')
    })
  })
}

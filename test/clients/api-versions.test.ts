import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { versions } from '../setup/paths.ts'
import { ask, type Answer } from '../setup/plain-http.ts'
import { startWorlds, type Worlds } from './worlds.ts'

const setUp = `docker network create -o com.docker.network.driver.mtu=1400 net; docker volume create vol
  docker run -d --init --name box --network net -v vol:/data -v /anon -p 80 -l a=b -m 64m busybox sleep 1000
  docker run -d --init --name plain busybox sleep 1000; docker create --name new busybox true; docker exec box true`

/** What clients read, in every version of the API. */
const reads = [
  '/version', '/containers/json?all=1&size=1', '/containers/box/json?size=1', '/containers/plain/json', '/containers/new/json', '/containers/box/top', '/containers/box/changes',
  '/containers/box/stats?stream=0', '/images/json?all=1', '/images/busybox/json', '/images/busybox/history', '/networks', '/networks/net', '/networks/bridge', '/networks/none',
  '/volumes', '/volumes/vol', '/system/df', '/info',
]

/** Answers that an engine of its own gives otherwise: docs/divergence.md. */
const divergent: Record<string, RegExp> = {
  '/info': /^\.(DriverStatus|RegistryConfig|Plugins|Runtimes|Containerd|Warnings|SecurityOptions|CDISpecDirs|DiscoveredDevices|DefaultAddressPools|FirewallBackend|NRI|ClientInfo|ProductLicense|Labels)/,
  // A namespace's bridge is a network like others on the engine, and those have a gateway of their own.
  '/networks': /^\[0\]\.IPAM\.Config\[0\]\.Gateway/,
  '/networks/bridge': /^\.IPAM\.Config\[0\]\.Gateway/,
  '/containers/box/stats?stream=0': /^\.(memory_stats|blkio_stats|cpu_stats|precpu_stats|pids_stats)/,
}

/** Names and kinds of all that is in a JSON value; of a list, of the item whose name comes first, as engines list networks in any order. */
function shape(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.length === 0 ? [`${at}[]`] : shape(value.toSorted((a, b) => String(a?.Name).localeCompare(String(b?.Name)))[0], `${at}[0]`)
  if (typeof value !== 'object' || value === null) return [`${at}: ${value === null ? 'null' : typeof value}`]
  const fields = Object.entries(value).map(([key, one]) => [/^[0-9a-f]{64}$/.test(key) ? '<id>' : key, one] as const)
  return fields.length === 0 ? [`${at}{}`] : fields.flatMap(([key, one]) => shape(one, `${at}.${key}`)).toSorted()
}

for (const version of versions) {
  describe(`API versions of a namespace of Engine ${version}`, () => {
    let worlds: Worlds
    let job: string
    let newest: string
    let oldest: string
    const both = (target: string, method = 'GET') => Promise.all([worlds.engine.socket, job].map((socket) => ask(socket, { method, target }))) as Promise<[Answer, Answer]>

    before(async () => {
      worlds = await startWorlds(version, { unix: true })
      job = worlds.namespace.env['DOCKER_HOST']!.slice('unix://'.length)
      for (const { status, stderr } of await worlds.both(setUp)) assert.equal(status, 0, stderr)
      const { ApiVersion, MinAPIVersion } = (await ask(job, { target: '/version' })).json
      ;[newest, oldest] = [ApiVersion, MinAPIVersion]
    })
    after(() => worlds.stop())

    test('are all between the oldest and the newest, in the path or not at all', async () => {
      assert.equal(oldest, '1.24')
      assert.equal(newest, (await ask(worlds.engine.socket, { target: '/version' })).json.ApiVersion)
      for (const target of ['/_ping', `/v${newest}/_ping`, `/v${oldest}/_ping`]) {
        const [bare, ours] = await both(target)
        assert.deepEqual([ours.status, ours.text, ours.headers['api-version'], ours.headers['server']], [bare.status, bare.text, bare.headers['api-version'], bare.headers['server']])
        assert.deepEqual((await both(target, 'HEAD')).map(({ status }) => status), [200, 200])
      }
      for (const target of ['/v1.99/version', '/v2.0/containers/json']) {
        const [bare, ours] = await both(target)
        assert.deepEqual([ours.status, ours.text], [bare.status, bare.text], target)
      }
      const tooOld = await ask(job, { target: '/v1.23/version' })
      assert.deepEqual([tooOld.status, tooOld.text.trim()], [400, JSON.stringify({ message: 'client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version' })])
    })

    test('answer with the same fields as on an engine of its own, all versions of them', async () => {
      const last = Number(newest.slice(2))
      const asked = ['', ...Array.from({ length: last - 24 + 1 }, (_, index) => `/v1.${24 + index}`)]
      const different = new Map<string, string[]>()
      for (const prefix of asked) {
        for (const read of reads) {
          const [bare, ours] = await both(prefix + read)
          const [wanted, had] = [bare, ours].map(({ status, json, text }) => [`status ${status}`, ...(json === undefined ? [text] : shape(json))].filter((one) => !divergent[read]?.test(one)))
          const lacking = wanted!.filter((one) => !had!.includes(one)).map((one) => `  - ${one}\n`)
          const added = had!.filter((one) => !wanted!.includes(one)).map((one) => `  + ${one}\n`)
          const what = `${read}\n${[...lacking, ...added].join('')}`
          if (lacking.length + added.length > 0) different.set(what, [...different.get(what) ?? [], prefix || 'no version'])
        }
      }
      assert.ok(different.size === 0, [...different].map(([what, of]) => `${what}  in ${of.join(' ')}\n`).join(''))
    })
  })
}

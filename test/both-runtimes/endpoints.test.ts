import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { call, follow, operate, startFarm, type Answer, type Direct } from '../setup/farm.ts'
import type { Following } from '../setup/following.ts'
import type { Engine } from '../setup/engine.ts'
import type { Gateway } from '../setup/gateway.ts'
import { until } from '../setup/processes.ts'
import { recordingProxy, type RecordingProxy } from '../setup/recording-proxy.ts'
import { startRedis, type RedisServer } from '../setup/redis.ts'
import { startRegistry } from '../setup/registry.ts'
import { sharedEngine } from '../setup/shared-engine.ts'
import { serveAtPort, startWorker, type Worker } from '../setup/worker.ts'
import { followWorker, operatorToken, proxySecret, sendToWorker } from './worker-client.ts'

/** A gateway of the farm in one of the runtimes. */
interface Runtime {
  name: string
  /** Hands connections over. */
  hijacks: boolean
  ask(namespace: Direct, method: string, path: string, body?: unknown): Promise<Answer>
  follow(namespace: Direct, path: string, method?: string): Promise<Following>
  operate(method: string, path: string, body?: unknown): Promise<Answer>
}

let engine: Engine
let recorder: RecordingProxy
let redis: RedisServer
let port: Awaited<ReturnType<typeof serveAtPort>>
let gateway: Gateway
let worker: Worker

const policies = { default: { limits: { containers: 6, memory: 256 * 1024 ** 2 } }, brief: { idle: 15 } }

before(async () => {
  ;[engine, redis] = await Promise.all([sharedEngine('28.5'), startRedis()])
  recorder = await recordingProxy(engine.socket)
  port = await serveAtPort(recorder.socket)
  ;[gateway] = await startFarm(redis, undefined, 1, { hosts: [{ name: 'engine', url: port.url }], policies, ports: { reach: 'none' } }) as [Gateway]
  worker = await startWorker({ STORE: redis.url, SHARED_IMAGES: 'busybox:latest', PROXY_SECRET: proxySecret, POLICIES: JSON.stringify(policies) })
})
after(async () => {
  await worker?.stop()
  await gateway?.stop()
  await redis?.stop()
  port?.stop()
  recorder?.stop()
})

const runtimes: Runtime[] = [
  {
    name: 'Node', hijacks: true, ask: (...asked) => call(gateway, ...asked), follow: (namespace, path, method = 'GET') => follow(gateway, namespace, method, path),
    operate: (...asked) => operate(gateway, ...asked),
  },
  {
    name: 'workerd', hijacks: false,
    ask: (namespace, method, path, body) => sendToWorker(worker, { method, path, body, namespace: namespace.id }),
    follow: (namespace, path, method = 'GET') => followWorker(worker, { method, path, namespace: namespace.id }),
    operate: (method, path, body) => sendToWorker(worker, { method, path, body, token: operatorToken(gateway) }),
  },
]

for (const runtime of runtimes) {
  describe(`a gateway on ${runtime.name}`, () => {
    let namespace: Direct
    before(async () => {
      await until(() => runtime.operate('GET', '/hosts').then(({ json }) => json?.[0]?.up === true), 'The host is up', 60_000)
      const { status, text, json } = await runtime.operate('POST', '/namespaces', { label: runtime.name })
      assert.equal(status, 201, text)
      namespace = json
    })
    const ask = (method: string, path: string, body?: unknown) => runtime.ask(namespace, method, path, body)
    const must = async (method: string, path: string, body?: unknown) => {
      const answer = await ask(method, path, body)
      assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`)
      return answer
    }
    control(runtime, () => namespace)
    containers(ask, must, () => namespace)
    objects(ask, must)
    images(ask, must)
    streams(runtime, must, () => namespace)
    refusals(runtime, ask)
  })
}

describe('the same namespace', () => {
  it('is told the same by both', async () => {
    const namespace: Direct = (await operate(gateway, 'POST', '/namespaces', {})).json
    const [node, workerd] = runtimes as [Runtime, Runtime]
    assert.equal((await workerd.ask(namespace, 'POST', '/containers/create?name=db', { Image: 'busybox', Cmd: ['true'], Labels: { a: 'b' } })).status, 201)
    assert.equal((await node.ask(namespace, 'POST', '/volumes/create', { Name: 'data' })).status, 201)
    const paths = ['/_ping', '/version', '/info', '/containers/json?all=1', '/containers/db/json', '/containers/none/json', '/networks', '/volumes', '/volumes/data', '/images/json',
      '/images/busybox/json', '/images/busybox/history', '/system/df', '/v1.24/version', '/v1.9/version', '/v1.99/version', '/nothing', '/swarm', '/plugins', '/containers/json?filters=x',
      '/containers/db/logs?stdout=1', '/containers/db/changes']
    for (const path of paths) {
      const [one, other] = await Promise.all([node.ask(namespace, 'GET', path), workerd.ask(namespace, 'GET', path)])
      assert.deepEqual([other.status, steady(other.text)], [one.status, steady(one.text)], path)
    }
  })
})

/** Without what differs from one moment to the next. */
function steady(text: string): string {
  return text.replace(/"SystemTime":"[^"]*"/, '').replace(/"(UsageData|LayersSize)":[^}]*/g, '')
}

type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>

function control({ operate: ask }: Runtime, namespace: () => Direct): void {
  it('opens namespaces with certificates, lists and closes them', async () => {
    const { json: opened } = await ask('POST', '/namespaces', { label: 'short' })
    assert.match(opened.cert, /BEGIN CERTIFICATE/)
    assert.match(opened.key, /PRIVATE KEY/)
    const listed = (await ask('GET', '/namespaces')).json as { id: string; label: string }[]
    assert.ok([opened.id, namespace().id].every((id) => listed.some((one) => one.id === id)))
    assert.deepEqual([(await ask('DELETE', `/namespaces/${opened.id}`)).status, (await ask('DELETE', `/namespaces/${opened.id}`)).status], [200, 404])
    assert.equal((await ask('POST', '/namespaces', { policy: 'none' })).status, 400)
    assert.equal((await ask('POST', '/explain', { request: 'POST /containers/create', body: '{"Image":"a","HostConfig":{"Privileged":true}}' })).json.refusal.status, 403)
  })

  it('reports what closing removed, and nothing of it is left on the engine', async () => {
    const { json: opened } = await ask('POST', '/namespaces', {})
    const runtime = (method: string, path: string, body?: unknown) => runtimes.find(({ operate: own }) => own === ask)!.ask(opened, method, path, body)
    assert.equal((await runtime('POST', '/containers/create?name=left', { Image: 'busybox', Cmd: ['sleep', '1000'] })).status, 201)
    assert.equal((await runtime('POST', '/containers/left/start')).status, 204)
    const { json } = await ask('DELETE', `/namespaces/${opened.id}`)
    assert.deepEqual(json.removed.containers, ['left'])
    assert.equal(await engine.docker('ps', '-aq', '--filter', `name=${opened.id}`), '')
    assert.equal((await runtime('GET', '/containers/json')).status, 403)
  })
}

function containers(ask: Ask, must: Ask, namespace: () => Direct): void {
  it('runs a container to its end and tells what it printed', async () => {
    const { json } = await must('POST', '/containers/create?name=hello', { Image: 'busybox', Cmd: ['sh', '-c', 'echo printed; exit 3'] })
    assert.equal((await ask('POST', '/containers/create?name=hello', { Image: 'busybox' })).status, 409)
    await must('POST', '/containers/hello/start')
    assert.deepEqual((await must('POST', `/containers/${json.Id.slice(0, 12)}/wait`)).json, { StatusCode: 3 })
    assert.match((await must('GET', '/containers/hello/logs?stdout=1')).text, /printed/)
    assert.deepEqual((await must('GET', '/containers/json?all=1&filters={"name":["hello"]}')).json.map(({ Names }: { Names: string[] }) => Names), [['/hello']])
    const shown = (await must('GET', '/containers/hello/json')).json
    assert.deepEqual([shown.Name, shown.HostConfig.CgroupParent, shown.Config.Labels], ['/hello', '', {}])
    assert.match((await must('GET', '/containers/hello/archive?path=/etc/passwd')).text, /root:x:0:0/)
    assert.match(await engine.docker('inspect', '-f', '{{.HostConfig.CgroupParent}}', json.Id), new RegExp(`^/moorage/[0-9a-f]{12}/${namespace().id}$`))
    await must('DELETE', '/containers/hello')
    assert.equal((await ask('GET', '/containers/hello/json')).text, '{"message":"No such container: hello"}\n')
  })

  it('starts, pauses, renames, updates, kills and restarts', async () => {
    await must('POST', '/containers/create?name=long', { Image: 'busybox', Cmd: ['sleep', '1000'] })
    for (const verb of ['start', 'pause', 'unpause', 'rename?name=longer']) await must('POST', `/containers/long/${verb}`)
    await must('POST', '/containers/longer/update', { Memory: 64 * 1024 ** 2, MemorySwap: 64 * 1024 ** 2 })
    assert.ok((await must('GET', '/containers/longer/top')).json.Processes.length > 0)
    assert.equal((await must('GET', '/containers/longer/stats?stream=0')).json.name, '/longer')
    await must('POST', '/containers/longer/restart?t=0')
    const { json } = await must('POST', '/containers/longer/exec', { Cmd: ['true'] })
    await must('POST', `/exec/${json.Id}/start`, { Detach: true })
    assert.equal((await must('GET', `/exec/${json.Id}/json`)).json.ContainerID.length, 64)
    await must('POST', '/containers/longer/kill')
    await must('DELETE', '/containers/longer?force=1')
  })
}

function objects(ask: Ask, must: Ask): void {
  it('makes, lists and removes networks and volumes', async () => {
    await must('POST', '/networks/create', { Name: 'own' })
    await must('POST', '/volumes/create', { Name: 'own' })
    assert.ok((await must('GET', '/networks')).json.some(({ Name }: { Name: string }) => Name === 'own'))
    assert.deepEqual((await must('GET', '/volumes')).json.Volumes.map(({ Name }: { Name: string }) => Name), ['own'])
    await must('POST', '/containers/create?name=tied', { Image: 'busybox', HostConfig: { Binds: ['own:/data'], NetworkMode: 'own' } })
    assert.equal((await ask('DELETE', '/volumes/own')).status, 409)
    await must('DELETE', '/containers/tied?force=1')
    for (const path of ['/networks/own', '/volumes/own']) await must('DELETE', path)
    assert.equal((await ask('GET', '/networks/own')).text, '{"message":"network own not found"}\n')
  })
}

function images(ask: Ask, must: Ask): void {
  it('tags, shows, saves and removes images', async () => {
    await must('POST', '/images/busybox/tag?repo=mine&tag=1')
    assert.ok((await must('GET', '/images/json')).json.some(({ RepoTags }: { RepoTags: string[] }) => RepoTags.includes('mine:1')))
    assert.match((await must('GET', '/images/mine:1/get')).text, /manifest\.json/)
    assert.ok((await must('GET', '/images/mine:1/history')).json.length > 0)
    await must('DELETE', '/images/mine:1')
    assert.equal((await ask('GET', '/images/mine:1/json')).status, 404)
  })
}

function streams(runtime: Runtime, must: Ask, namespace: () => Direct): void {
  const follow = (path: string, method?: string) => runtime.follow(namespace(), path, method)
  const asked = (path: RegExp) => recorder.asked().filter((request) => path.test(request.path)).length
  /** A container that says one thing, and the other when it is told to. */
  async function talker(): Promise<{ id: string; go(): Promise<unknown> }> {
    const { json: { Id: id } } = await must('POST', '/containers/create', { Image: 'busybox', Cmd: ['sh', '-c', 'echo first; until [ -e /go ]; do sleep 0.2; done; while :; do echo second; sleep 0.2; done'] })
    await must('POST', `/containers/${id}/start`)
    return {
      id,
      async go() {
        const { json } = await must('POST', `/containers/${id}/exec`, { Cmd: ['touch', '/go'] })
        await must('POST', `/exec/${json.Id}/start`, { Detach: true })
      },
    }
  }

  it('tells what a container prints as it prints it, until the client leaves', async () => {
    const { id, go } = await talker()
    const logs = await follow(`/containers/${id}/logs?follow=1&stdout=1`)
    await logs.says(/first/)
    assert.doesNotMatch(logs.text(), /second/)
    await go()
    await logs.says(/second/)
    assert.equal(asked(new RegExp(`${id}/logs`)), 1)
    logs.leave()
    await until(() => asked(new RegExp(`${id}/logs`)) === 0, 'The engine is not asked any more', 60_000)
    await must('DELETE', `/containers/${id}?force=1`)
  })

  it('tells what a container uses again and again, until the client leaves', async () => {
    const { id } = await talker()
    const stats = await follow(`/containers/${id}/stats?stream=1`)
    await stats.says(/"name":"[^]*\n[^]*"name":"[^]*\n/)
    stats.leave()
    await until(() => asked(new RegExp(`${id}/stats`)) === 0, 'The engine is not asked any more', 60_000)
    await must('DELETE', `/containers/${id}?force=1`)
  })

  it('answers a wait at once, and says how the container ended when it has', async () => {
    const { id } = await talker()
    const wait = await follow(`/containers/${id}/wait`, 'POST')
    assert.deepEqual([wait.status, wait.text()], [200, ''])
    await must('POST', `/containers/${id}/kill`)
    await wait.says(/"StatusCode":137/)
    await wait.ends()
    await must('DELETE', `/containers/${id}`)
  })

  it('tells events as they happen, of the namespace alone, and those of before', async () => {
    const from = Math.floor(Date.now() / 1000) - 1
    const events = await follow('/events?filters={"type":["volume"]}')
    assert.deepEqual([events.status, events.text()], [200, ''])
    const { json: foreign } = await runtime.operate('POST', '/namespaces', {})
    await runtime.ask(foreign, 'POST', '/volumes/create', { Name: 'foreign' })
    await must('POST', '/volumes/create', { Name: 'told' })
    await must('DELETE', '/volumes/told')
    await events.says(/"destroy"/)
    assert.deepEqual(events.text().trim().split('\n').map((line) => JSON.parse(line)).map(({ Action, Actor }) => `${Action} ${Actor.ID}`), ['create told', 'destroy told'])
    events.leave()
    const past = await follow(`/events?since=${from}&until=${Math.ceil(Date.now() / 1000) + 1}&filters={"type":["volume"],"volume":["told"]}`)
    await past.ends()
    assert.deepEqual(past.text().trim().split('\n').map((line) => JSON.parse(line).Action), ['create', 'destroy'])
    await runtime.operate('DELETE', `/namespaces/${foreign.id}`)
  })

  it('keeps a namespace in use while an answer is under way, and ends the answer when the namespace is closed', async () => {
    const open = async () => (await runtime.operate('POST', '/namespaces', { policy: 'brief' })).json as Direct
    const [used, unused] = [await open(), await open()]
    const events = await runtime.follow(used, '/events')
    const listed = async () => (await operate(gateway, 'GET', '/namespaces')).text
    await until(async () => !(await listed()).includes(unused.id), 'The unused namespace ends', 60_000)
    assert.ok((await listed()).includes(used.id))
    await operate(gateway, 'DELETE', `/namespaces/${used.id}`)
    await events.ends()
  })

  it('sends a container\'s files as an archive', async () => {
    await must('POST', '/containers/create?name=files', { Image: 'busybox', Cmd: ['true'] })
    assert.match((await must('GET', '/containers/files/export')).text, /bin\/busybox/)
    await must('DELETE', '/containers/files')
  })

  it('tells how a push and a pull go on', async () => {
    const registry = await startRegistry(engine)
    await must('POST', `/images/busybox/tag?repo=${registry.address}/team/tool&tag=1`)
    const push = await follow(`/images/${registry.address}/team/tool/push?tag=1`, 'POST')
    await push.says(/"status":"The push refers to repository[^]*digest: sha256:/)
    await push.ends()
    await must('DELETE', `/images/${registry.address}/team/tool:1`)
    const pull = await follow(`/images/create?fromImage=${encodeURIComponent(`${registry.address}/team/tool`)}&tag=1`, 'POST')
    await pull.says(/Status: /)
    await pull.ends()
    await must('DELETE', `/images/${registry.address}/team/tool:1`)
    registry.stop()
  })
}

function refusals({ name, hijacks, operate: operator }: Runtime, ask: Ask): void {
  it('refuses with the engine\'s shape, the field and the remedy', async () => {
    for (const [body, words] of [[{ Image: 'busybox', HostConfig: { Privileged: true } }, /HostConfig\.Privileged is not allowed/], [{ Image: 'busybox', Unknown: 1 }, /Unknown/]] as const) {
      const { status, json } = await ask('POST', '/containers/create', body)
      assert.ok([400, 403].includes(status))
      assert.match(json.message, words)
    }
    assert.equal((await operator('GET', '/namespaces/none')).status, 404)
  })

  it(hijacks ? 'hands connections over' : 'says what it cannot serve and who can', async () => {
    const { json } = await ask('POST', '/containers/create', { Image: 'busybox', Cmd: ['sleep', '1000'] })
    await ask('POST', `/containers/${json.Id}/start`)
    const exec = (await ask('POST', `/containers/${json.Id}/exec`, { Cmd: ['echo', 'handed'], AttachStdout: true })).json
    const started = await ask('POST', `/exec/${exec.Id}/start`, {})
    if (hijacks) assert.match(started.text, /handed/, name)
    else for (const { status, text } of [started, await ask('POST', '/grpc')]) assert.deepEqual([status, /runs as a Worker.*another gateway/.test(text)], [501, true], text)
    await ask('DELETE', `/containers/${json.Id}?force=1`)
  })
}

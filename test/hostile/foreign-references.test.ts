import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Answer, Ask } from '../setup/plain-http.ts'
import type { RecordedRequest } from '../setup/recorded-requests.ts'
import { openArena, type Arena } from './arena.ts'

/** References to another job's objects inside bodies and queries. On the bare engine each of them reaches the object. */

let arena: Arena
let prey: { id: string; stored: string; network: string; networkName: string; volume: string }

before(async () => {
  arena = await openArena()
  const { victim } = arena
  const network = await victim.ask({ method: 'POST', target: '/networks/create', body: { Name: 'backend' } })
  await victim.ask({ method: 'POST', target: '/volumes/create', body: { Name: 'data' } })
  const id = await arena.container(victim, { Cmd: ['sh', '-c', 'echo loot > /data/loot; exec sleep 1000'], HostConfig: { Binds: ['data:/data'], IpcMode: 'shareable' } }, { name: 'db', start: true })
  prey = { id, stored: `${victim.id}.db`, network: network.json.Id, networkName: `${victim.id}.backend`, volume: `${victim.id}.data` }
})
after(() => arena.stop())

const create = (body: object): Ask => ({ method: 'POST', target: '/containers/create', body: { Image: 'busybox', Cmd: ['cat', '/data/loot'], ...body } })
const hostConfig = (config: object): Ask => create({ HostConfig: config })

/** Full id, prefix and stored name of the victim's container. */
const terms = () => [prey.id, prey.id.slice(0, 12), prey.stored]

const writes = (requests: RecordedRequest[]) => requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')
const sentTo = (requests: RecordedRequest[], path: string) => requests.filter((one) => one.path.includes(path)).map(({ body }) => JSON.parse(body.toString()))

/** What the bare engine made is removed again. */
async function made(answer: Answer): Promise<string> {
  assert.equal(answer.status, 201, answer.text)
  return answer.json.Id
}

async function started(side: 'bare' | 'attacker', id: string): Promise<Answer> {
  return arena[side].ask({ method: 'POST', target: `/containers/${id}/start` })
}

async function discard(id: string): Promise<void> {
  await arena.bare.ask({ method: 'DELETE', target: `/containers/${id}?force=1&v=1` })
}

describe('a create that names another namespace\'s container', () => {
  const cases: Record<string, { ask: (term: string) => Ask; says: (term: string) => string }> = {
    VolumesFrom: { ask: (term) => hostConfig({ VolumesFrom: [`${term}:rw`] }), says: (term) => `No such container: ${term}` },
    PidMode: { ask: (term) => hostConfig({ PidMode: `container:${term}` }), says: (term) => `No such container: ${term}` },
    IpcMode: { ask: (term) => hostConfig({ IpcMode: `container:${term}` }), says: (term) => `No such container: ${term}` },
    Links: { ask: (term) => hostConfig({ Links: [`${term}:db`] }), says: (term) => `could not get container for ${term}: No such container: ${term}` },
  }
  for (const [field, { ask, says }] of Object.entries(cases)) {
    it(`in ${field} gets the engine's own 400, and nothing is made`, async () => {
      for (const term of terms()) {
        const { result, requests } = await arena.recorded(() => arena.attacker.ask(ask(term)))
        assert.equal(result.status, 400)
        assert.deepEqual(result.json, { message: says(term) })
        // The namespace's own bridge may be made on the way, as for every create.
        assert.deepEqual(writes(requests).filter(({ path }) => !path.endsWith('/networks/create')), [])
        await discard(await made(await arena.bare.ask(ask(term))))
      }
    })
  }

  it('in NetworkMode is sent in a form only its own namespace could have made, and does not start', async () => {
    for (const term of terms()) {
      const ask = hostConfig({ NetworkMode: `container:${term}` })
      const { result, requests } = await arena.recorded(() => arena.attacker.ask(ask))
      const id = await made(result)
      assert.deepEqual(sentTo(requests, '/containers/create').map(({ HostConfig }) => HostConfig.NetworkMode), [`container:${arena.attacker.id}.${term}`])
      const start = await started('attacker', id)
      assert.ok(start.status >= 400, start.text)
      assert.ok(!start.text.includes(arena.attacker.id), start.text)

      const there = await made(await arena.bare.ask(ask))
      assert.equal((await started('bare', there)).status, 204)
      await discard(there)
    }
  })
})

describe('another namespace\'s network', () => {
  const networkTerms = () => [prey.network, prey.network.slice(0, 12), prey.networkName]
  const forms: Record<string, (term: string) => Ask> = {
    NetworkMode: (term) => hostConfig({ NetworkMode: term }),
    EndpointsConfig: (term) => create({ HostConfig: { NetworkMode: term }, NetworkingConfig: { EndpointsConfig: { [term]: {} } } }),
  }
  for (const [field, ask] of Object.entries(forms)) {
    it(`is not joined by ${field}`, async () => {
      for (const term of networkTerms()) {
        const { result, requests } = await arena.recorded(() => arena.attacker.ask(ask(term)))
        const id = await made(result)
        const [sent] = sentTo(requests, '/containers/create')
        assert.equal(sent.HostConfig.NetworkMode, `${arena.attacker.id}.${term}`)
        assert.deepEqual(Object.keys(sent.NetworkingConfig.EndpointsConfig), [`${arena.attacker.id}.${term}`])
        assert.equal((await started('attacker', id)).status, 404)
        const there = await made(await arena.bare.ask(ask(term)))
        assert.equal((await started('bare', there)).status, 204)
        await discard(there)
      }
    })
  }

  it('answers inspect, removal, connect and disconnect as one that does not exist', async () => {
    const own = await arena.container(arena.attacker, {}, { name: 'own' })
    const verbs: ((term: string) => Ask)[] = [
      (term) => ({ target: `/networks/${term}` }),
      (term) => ({ method: 'DELETE', target: `/networks/${term}` }),
      (term) => ({ method: 'POST', target: `/networks/${term}/connect`, body: { Container: own } }),
      (term) => ({ method: 'POST', target: `/networks/${term}/disconnect`, body: { Container: own } }),
    ]
    for (const ask of verbs) {
      for (const term of networkTerms()) {
        const { result, requests } = await arena.recorded(() => arena.attacker.ask(ask(term)))
        assert.equal(result.status, 404)
        assert.deepEqual(result.json, { message: `network ${term} not found` })
        assert.deepEqual(requests, [])
      }
    }
    const there = await arena.container(arena.bare)
    const connect = (container: string, network: string): Ask => ({ method: 'POST', target: `/networks/${network}/connect`, body: { Container: container } })
    for (const term of networkTerms()) {
      assert.equal((await arena.bare.ask({ target: `/networks/${term}` })).status, 200)
      assert.equal((await arena.bare.ask(connect(there, term))).status, 200)
      assert.equal((await arena.bare.ask({ method: 'POST', target: `/networks/${term}/disconnect`, body: { Container: there } })).status, 200)
    }
    await discard(there)
  })

  it('does not get a foreign container by connecting it to an own network', async () => {
    const { json: { Id: net } } = await arena.attacker.ask({ method: 'POST', target: '/networks/create', body: { Name: 'trap' } })
    for (const term of terms()) {
      for (const verb of ['connect', 'disconnect']) {
        const ask: Ask = { method: 'POST', target: `/networks/${net}/${verb}`, body: { Container: term } }
        const { result, requests } = await arena.recorded(() => arena.attacker.ask(ask))
        assert.deepEqual([result.status, result.json], [404, { message: `No such container: ${term}` }])
        assert.deepEqual(requests, [])
        assert.equal((await arena.bare.ask(ask)).status, 200)
      }
    }
  })
})

describe('another namespace\'s volume', () => {
  const forms: Record<string, { config: () => object; sent: (config: any) => unknown; want: () => unknown }> = {
    Binds: {
      config: () => ({ Binds: [`${prey.volume}:/data`] }),
      sent: (config) => config.Binds, want: () => [`${arena.attacker.id}.${prey.volume}:/data`],
    },
    Mounts: {
      config: () => ({ Mounts: [{ Type: 'volume', Source: prey.volume, Target: '/data' }] }),
      sent: (config) => config.Mounts.map((one: any) => one.Source), want: () => [`${arena.attacker.id}.${prey.volume}`],
    },
  }
  it('answers inspect and removal as one that does not exist', async () => {
    for (const method of ['GET', 'DELETE']) {
      const { result, requests } = await arena.recorded(() => arena.attacker.ask({ method, target: `/volumes/${prey.volume}` }))
      assert.deepEqual([result.status, result.json], [404, { message: `get ${prey.volume}: no such volume` }])
      assert.deepEqual(requests, [])
    }
    assert.equal((await arena.attacker.ask({ method: 'DELETE', target: `/volumes/${prey.volume}?force=1` })).status, 204)
    assert.equal((await arena.bare.ask({ target: `/volumes/${prey.volume}` })).status, 200)
  })

  for (const [field, { config, sent, want }] of Object.entries(forms)) {
    it(`is not mounted by ${field}: the name is one of the attacker's own`, async () => {
      const { result, requests } = await arena.recorded(() => arena.attacker.ask(hostConfig(config())))
      const id = await made(result)
      assert.deepEqual(sent(sentTo(requests, '/containers/create')[0].HostConfig), want())
      await started('attacker', id)
      await arena.attacker.ask({ method: 'POST', target: `/containers/${id}/wait` })
      assert.doesNotMatch((await arena.attacker.ask({ target: `/containers/${id}/logs?stdout=1&stderr=1` })).text, /loot\n$/m)

      const there = await made(await arena.bare.ask(hostConfig(config())))
      await started('bare', there)
      await arena.bare.ask({ method: 'POST', target: `/containers/${there}/wait` })
      assert.match((await arena.bare.ask({ target: `/containers/${there}/logs?stdout=1` })).text, /loot/)
      await discard(there)
    })
  }
})

describe('another namespace\'s exec', () => {
  it('answers start, resize and inspect as one that does not exist, and is not started', async () => {
    const { json: { Id: exec } } = await arena.victim.ask({ method: 'POST', target: `/containers/${prey.id}/exec`, body: { Cmd: ['cat', '/data/loot'], AttachStdout: true } })
    const verbs: Ask[] = [
      { target: `/exec/${exec}/json` },
      { method: 'POST', target: `/exec/${exec}/resize?h=1&w=1` },
      { method: 'POST', target: `/exec/${exec}/start`, body: { Detach: true } },
      { method: 'POST', target: `/exec/${exec}/start`, body: {} },
    ]
    for (const ask of verbs) {
      const { result, requests } = await arena.recorded(() => arena.attacker.ask(ask))
      assert.deepEqual([result.status, result.json], [404, { message: `No such exec instance: ${exec}` }])
      assert.deepEqual(writes(requests), [])
    }
    assert.match((await arena.bare.ask(verbs[3]!)).text, /loot/)
  })

  it('is not resolved by a prefix, an id with a NUL or anything but the whole id', async () => {
    const { json: { Id: exec } } = await arena.attacker.ask({ method: 'POST', target: `/containers/${await arena.container(arena.attacker, {}, { start: true })}/exec`, body: { Cmd: ['id'] } })
    for (const term of [exec.slice(0, 12), `${exec}%00`, exec.toUpperCase(), `${exec}/x`, `${exec}%2F`]) {
      const { result, requests } = await arena.recorded(() => arena.attacker.ask({ target: `/exec/${term}/json` }))
      assert.ok([301, 400, 404].includes(result.status), `${term}: ${result.status}`)
      assert.deepEqual(requests, [])
    }
    assert.equal((await arena.attacker.ask({ target: `/exec/${exec}/json` })).status, 200)
  })
})

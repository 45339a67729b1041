import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openArena, type Arena } from './arena.ts'

/** What one job can learn of another without naming anything of it: lists, counts, filters, events, prunes. */

let arena: Arena
let secrets: string[]
let prey: { container: string; network: string; stopped: string }

before(async () => {
  arena = await openArena()
  const { victim } = arena
  const { json: { Id: network } } = await victim.ask({ method: 'POST', target: '/networks/create', body: { Name: 'hidden-network', Labels: { 'hidden-label': 'yes' } } })
  await victim.ask({ method: 'POST', target: '/volumes/create', body: { Name: 'hidden-volume', Labels: { 'hidden-label': 'yes' } } })
  const container = await arena.container(victim, { Cmd: ['sh', '-c', 'exec sleep 4242'], Labels: { 'hidden-label': 'yes' }, HostConfig: { NetworkMode: 'hidden-network', Binds: ['hidden-volume:/x'] } }, { name: 'hidden-container', start: true })
  const stopped = await arena.container(victim, { Labels: { 'hidden-label': 'yes' } }, { name: 'hidden-stopped' })
  prey = { container, network, stopped }
  secrets = ['hidden-', container.slice(0, 12), network.slice(0, 12), stopped.slice(0, 12), victim.id]
  // The attacker has things too, so that no answer is empty for want of them.
  await arena.container(arena.attacker, {}, { name: 'mine', start: true })
  await arena.attacker.ask({ method: 'POST', target: '/volumes/create', body: { Name: 'mine' } })
})
after(() => arena.stop())

const filters = (value: object) => `filters=${encodeURIComponent(JSON.stringify(value))}`

describe('lists and counts', () => {
  const lists = [
    '/containers/json?all=1&size=1', '/networks', '/volumes', '/images/json?all=1', '/system/df', '/info',
    `/containers/json?all=1&${filters({ label: ['hidden-label'] })}`, `/containers/json?all=1&${filters({ label: { 'hidden-label=yes': true } })}`,
    `/containers/json?all=1&${filters({ name: ['hidden', '.*', '^/?[a-z0-9]{16}\\.'] })}`, `/containers/json?all=1&${filters({ status: ['created', 'running'] })}`,
    `/containers/json?all=1&${filters({ network: ['hidden-network'] })}`, `/containers/json?all=1&${filters({ volume: ['hidden-volume'] })}`,
    `/containers/json?all=1&${filters({ ancestor: ['busybox'] })}`, `/containers/json?limit=1000`,
    `/networks?${filters({ id: ['.'] })}`, `/networks?${filters({ name: ['hidden'] })}`, `/networks?${filters({ label: ['hidden-label'] })}`, `/networks?${filters({ dangling: ['false'] })}`,
    `/volumes?${filters({ name: ['hidden'] })}`, `/volumes?${filters({ label: ['hidden-label'] })}`, `/volumes?${filters({ dangling: ['false'] })}`,
    `/images/json?${filters({ reference: ['*/*/*/*/*', 'moorage.invalid/*'] })}`,
  ]
  for (const target of lists) {
    it(`tell nothing of another namespace: ${decodeURIComponent(target)}`, async () => {
      const { text, status } = await arena.attacker.ask({ target })
      assert.equal(status, 200, text)
      for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} is in ${text}`)
    })
  }

  it('tell it on the engine', async () => {
    for (const target of lists.filter((one) => /^\/(containers|networks|volumes)/.test(one) && !/reference|ancestor|dangling/.test(one))) {
      const stored = target.replaceAll('hidden-network', `${arena.victim.id}.hidden-network`).replaceAll('hidden-volume', `${arena.victim.id}.hidden-volume`)
      const { text } = await arena.bare.ask({ target: stored })
      assert.ok(secrets.some((secret) => text.includes(secret)), `${stored}: ${text}`)
    }
  })

  it('are not told about by patterns on the part of stored names that jobs do not see', async () => {
    const own = arena.attacker.id
    for (const pattern of [own, `^/${own}\\.mine$`, `^${own}`, '^/[a-z][a-z0-9]{15}\\.mine$']) {
      assert.deepEqual((await arena.attacker.ask({ target: `/containers/json?all=1&${filters({ name: [pattern] })}` })).json, [], pattern)
      assert.equal((await arena.bare.ask({ target: `/containers/json?all=1&${filters({ name: [pattern] })}` })).json.length, 1, pattern)
    }
    assert.deepEqual((await arena.attacker.ask({ target: `/volumes?${filters({ name: [own] })}` })).json.Volumes, [])
    assert.equal((await arena.attacker.ask({ target: `/containers/json?all=1&${filters({ name: ['^/mine$'] })}` })).json.length, 1)
  })

  it('answer a reference to another namespace\'s container as one to none', async () => {
    for (const key of ['before', 'since']) {
      for (const term of [prey.container, prey.container.slice(0, 12), `${arena.victim.id}.hidden-container`]) {
        const { result, requests } = await arena.recorded(() => arena.attacker.ask({ target: `/containers/json?${filters({ [key]: [term] })}` }))
        assert.deepEqual([result.status, result.json], [404, { message: `No such container: ${term}` }])
        assert.deepEqual(requests, [])
      }
      assert.equal((await arena.bare.ask({ target: `/containers/json?${filters({ [key]: [prey.container] })}` })).status, 200)
    }
  })
})

describe('a network both could name', () => {
  it('shows only the namespace\'s own endpoints', async () => {
    const bridge = (await arena.attacker.ask({ target: '/networks/bridge' })).text
    for (const secret of secrets) assert.ok(!bridge.includes(secret))
    assert.match(bridge, /mine/)
  })
})

describe('events', () => {
  it('of another namespace are neither told nor remembered, whatever the filter', async () => {
    const since = Math.floor(Date.now() / 1000) - 3600
    await arena.victim.ask({ method: 'POST', target: `/containers/${prey.container}/kill?signal=WINCH` })
    const { json: { Id: exec } } = await arena.victim.ask({ method: 'POST', target: `/containers/${prey.container}/exec`, body: { Cmd: ['echo', 'hidden-command'] } })
    await arena.victim.ask({ method: 'POST', target: `/exec/${exec}/start`, body: {} })
    const until = Math.floor(Date.now() / 1000) + 1
    for (const filter of [{}, { label: ['hidden-label'] }, { container: [prey.container] }, { container: [`${arena.victim.id}.hidden-container`] }, { type: ['network', 'volume', 'container', 'daemon', 'image'] }]) {
      const target = `/events?since=${since}&until=${until}&${filters(filter)}`
      const { text } = await arena.attacker.ask({ target })
      for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} is in ${text}`)
      assert.match((await arena.bare.ask({ target })).text, /hidden-/)
    }
    // The victim has them.
    assert.match((await arena.victim.ask({ target: `/events?since=${since}&until=${until}` })).text, /hidden-command/)
  })

  it('cannot be forged into another namespace by labels that overwrite attributes', async () => {
    const since = Math.floor(Date.now() / 1000) - 1
    const labels = { name: `${arena.victim.id}.hidden-container`, image: `moorage.invalid/${arena.victim.id}/x`, container: prey.container }
    const id = await arena.container(arena.attacker, { Labels: { ...labels, 'forged-label': 'yes' } }, { name: 'forger', start: true })
    await arena.attacker.ask({ method: 'POST', target: `/containers/${id}/kill` })
    const until = Math.floor(Date.now() / 1000) + 1
    const query = `/events?since=${since}&until=${until}`
    assert.match((await arena.attacker.ask({ target: query })).text, /forged-label/)
    assert.doesNotMatch((await arena.victim.ask({ target: query })).text, /forged-label/)
    // The engine does merge labels in.
    assert.match((await arena.bare.ask({ target: query })).text, /forged-label/)
  })
})

describe('a prune', () => {
  it('takes nothing of another namespace, with and without a filter', async () => {
    for (const query of ['', `?${filters({ label: ['hidden-label'] })}`, `?${filters({ 'label!': ['nothing'] })}`]) {
      for (const kind of ['containers', 'networks', 'volumes', 'images', 'build']) {
        if (kind === 'build' && query !== '') continue
        const { result, requests } = await arena.recorded(() => arena.attacker.ask({ method: 'POST', target: `/${kind}/prune${query}` }))
        assert.equal(result.status, 200, result.text)
        assert.deepEqual(requests.filter(({ path }) => path.includes('prune')), [])
        for (const secret of secrets) assert.ok(!result.text.includes(secret))
      }
    }
    for (const target of [`/containers/${prey.stopped}/json`, `/networks/${prey.network}`, '/volumes/hidden-volume']) {
      assert.equal((await arena.victim.ask({ target })).status, 200, target)
    }
    // By its label the engine prunes the victim's stopped container.
    const there = await arena.bare.ask({ method: 'POST', target: `/containers/prune?${filters({ label: ['hidden-label'] })}` })
    assert.deepEqual(there.json.ContainersDeleted, [prey.stopped])
  })
})

describe('an answer', () => {
  it('of info tells nothing of the host\'s folders, processes, proxies and plugins, and no field that nobody has thought about', async () => {
    const [mine, there] = await Promise.all([arena.attacker, arena.bare].map(async (side) => (await side.ask({ target: '/info' })).json))
    assert.ok(JSON.stringify(there).includes(arena.engine.directory))
    assert.ok(!JSON.stringify(mine).includes(arena.engine.directory))
    assert.doesNotMatch(JSON.stringify(mine).replaceAll('/var/lib/docker', '').replaceAll('https://index.docker.io/v1/', ''), /"[^"]*\/(?!Linux)[a-z]/)
    for (const field of ['Containerd', 'DefaultAddressPools', 'FirewallBackend', 'NRI']) assert.ok(!(field in mine), field)
  })

  it('has no trace of the gateway\'s own names and labels', async () => {
    const list = (await arena.attacker.ask({ target: '/containers/json?all=1' })).json
    const targets = ['/containers/json?all=1', '/networks', '/volumes', '/images/json', '/system/df', '/version', ...list.flatMap(({ Id }: { Id: string }) => [`/containers/${Id}/json`, `/containers/${Id}/stats?stream=0`])]
    for (const target of targets) {
      const { text } = await arena.attacker.ask({ target })
      assert.ok(!text.includes(arena.attacker.id), `${target}: ${text}`)
      assert.doesNotMatch(text.replaceAll(/"(image|container|name)":"[^"]*"/g, ''), /moorage/, target)
    }
  })
})

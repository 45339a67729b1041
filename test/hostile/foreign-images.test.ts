import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { imageArchive, tarOf } from '../setup/image-archive.ts'
import type { Ask } from '../setup/plain-http.ts'
import { openArena, type Arena } from './arena.ts'

/** Another job's images: read, moved, taken away. On the bare engine each of it works. */

let arena: Arena
let prey: { id: string; stored: string }
let round = 0

before(async () => { arena = await openArena() })
after(() => arena.stop())

const load = (tar: Uint8Array): Ask => ({ method: 'POST', target: '/images/load', type: 'application/x-tar', body: tar })
const seen = async (side: 'bare' | 'victim' | 'attacker', term: string) => (await arena[side].ask({ target: `/images/${term}/json` })).status === 200

beforeEach(async () => {
  const { tar, id } = await imageArchive({ tags: ['secret/app:1'], content: `loot ${++round} of ${arena.victim.id}` })
  assert.equal((await arena.victim.ask(load(tar))).status, 200)
  prey = { id, stored: `moorage.invalid/${arena.victim.id}/docker.io/secret/app:1` }
  assert.ok(await seen('bare', prey.stored))
  assert.ok(await seen('victim', 'secret/app:1'))
})

/** What names the image on an engine. */
const terms = () => [prey.id, prey.id.slice(7), prey.id.slice(7, 19), prey.id.slice(0, 19), prey.stored]

const reads: Record<string, (term: string) => Ask> = {
  inspect: (term) => ({ target: `/images/${term}/json` }),
  history: (term) => ({ target: `/images/${term}/history` }),
  tag: (term) => ({ method: 'POST', target: `/images/${term}/tag?repo=stolen-${arena.attacker.id}` }),
  create: (term) => ({ method: 'POST', target: '/containers/create', body: { Image: term } }),
  'create from a mount': (term) => ({ method: 'POST', target: '/containers/create', body: { Image: 'busybox', HostConfig: { Mounts: [{ Type: 'image', Source: term, Target: '/x' }] } } }),
  remove: (term) => ({ method: 'DELETE', target: `/images/${term}` }),
  'remove by force': (term) => ({ method: 'DELETE', target: `/images/${term}?force=1` }),
}

describe('the name an engine has for another namespace\'s images', () => {
  it('is no name to push to, pull from or ask a registry for, also before it is taken', async () => {
    const repo = `moorage.invalid/${arena.victim.id}/docker.io/secret/app`
    for (const tag of ['1', 'later']) {
      assert.equal((await arena.attacker.ask({ method: 'POST', target: `/images/busybox/tag?repo=${repo}&tag=${tag}` })).status, 201)
      const asks: Ask[] = [
        { method: 'POST', target: `/images/${repo}/push?tag=${tag}`, headers: { 'x-registry-auth': 'e30=' } },
        { method: 'POST', target: `/images/create?fromImage=${encodeURIComponent(repo)}&tag=${tag}` },
        { target: `/distribution/${repo}:${tag}/json` },
      ]
      for (const ask of asks) {
        const { result, requests } = await arena.recorded(() => arena.attacker.ask(ask))
        assert.equal(result.status, 403, result.text)
        assert.match(result.json.message, /^the registry moorage\.invalid is not allowed in this namespace: /)
        assert.deepEqual(requests.filter(({ method, path }) => method !== 'GET' || path.includes(arena.victim.id)), [])
      }
      assert.equal((await arena.victim.ask({ target: `/images/secret/app:${tag}/json` })).status, tag === '1' ? 200 : 404)
    }
    for (const tag of ['1', 'later']) await arena.attacker.ask({ method: 'DELETE', target: `/images/${repo}:${tag}` })
    // On the engine nothing keeps one from it.
    assert.equal((await arena.bare.ask({ method: 'POST', target: `/images/busybox/tag?repo=${repo}&tag=later` })).status, 201)
    await arena.bare.ask({ method: 'DELETE', target: `/images/${repo}:later` })
  })
})

describe('an image of another namespace', () => {
  for (const [verb, ask] of Object.entries(reads)) {
    it(`answers ${verb} as one that does not exist, by every name an engine knows it by`, async () => {
      for (const term of terms()) {
        const { result, requests } = await arena.recorded(() => arena.attacker.ask(ask(term)))
        assert.equal(result.status, 404, result.text)
        assert.match(result.json.message, /^No such image: /)
        // The mount's container has an own image, whose ports are looked up.
        assert.deepEqual(requests.filter(({ method, path }) => method !== 'GET' || path.includes(prey.id)), [])
      }
      assert.ok(await seen('victim', 'secret/app:1'))
      // By a stored tag of the victim's, a removal takes only that.
      const there = await arena.bare.ask(ask(verb.startsWith('remove') ? prey.stored : prey.id))
      assert.ok(there.status < 300, `${there.status} ${there.text}`)
      if (there.json?.Id) await arena.bare.ask({ method: 'DELETE', target: `/containers/${there.json.Id}?force=1` })
      if (verb === 'tag') await arena.bare.ask({ method: 'DELETE', target: `/images/stolen-${arena.attacker.id}` })
    })
  }

  it('stays when the attacker, who has it too, removes it by id and force, which on an engine takes every tag', async () => {
    const { tar } = await imageArchive({ tags: ['mine:1', 'mine:2'], content: `loot ${round} of ${arena.victim.id}` })
    await arena.attacker.ask(load(tar))
    assert.ok(await seen('attacker', prey.id))
    const removed = await arena.attacker.ask({ method: 'DELETE', target: `/images/${prey.id}?force=1` })
    assert.equal(removed.status, 200, removed.text)
    assert.deepEqual(removed.json.filter((one: object) => 'Untagged' in one), [{ Untagged: 'mine:1' }, { Untagged: 'mine:2' }])
    assert.ok(!await seen('attacker', prey.id))
    assert.ok(await seen('victim', 'secret/app:1'))
    assert.equal((await arena.bare.ask({ method: 'DELETE', target: `/images/${prey.id}?force=1` })).status, 200)
    assert.ok(!await seen('bare', prey.stored))
  })

  it('does not appear in what the attacker is told of the same image', async () => {
    const { tar } = await imageArchive({ tags: ['mine:1'], content: `loot ${round} of ${arena.victim.id}` })
    await arena.attacker.ask(load(tar))
    const told = await Promise.all([`/images/${prey.id}/json`, `/images/${prey.id}/history`, '/images/json?all=1&digests=1', '/system/df'].map((target) => arena.attacker.ask({ target })))
    for (const { text, status } of told) {
      assert.equal(status, 200)
      assert.doesNotMatch(text, /secret|moorage/)
      assert.ok(!text.includes(arena.victim.id))
    }
    // An engine tells.
    assert.match((await arena.bare.ask({ target: `/images/${prey.id}/json` })).text, /secret/)
    assert.match((await arena.bare.ask({ target: `/images/${prey.id}/history` })).text, /secret/)
    await arena.attacker.ask({ method: 'DELETE', target: '/images/mine:1?force=1' })
  })
})

describe('the victim\'s reference', () => {
  it('is not moved by an archive, an import or a tag that names it as the engine does', async () => {
    const { tar, id } = await imageArchive({ tags: [prey.stored], content: `poison ${round}` })
    const [repo, tag] = [prey.stored.slice(0, -2), '1']
    const moves: Ask[] = [
      load(tar),
      { method: 'POST', target: `/images/create?fromSrc=-&repo=${repo}&tag=${tag}`, type: 'application/x-tar', body: await tarOf({ loot: 'poison' }) },
      { method: 'POST', target: `/images/busybox/tag?repo=${repo}&tag=${tag}` },
    ]
    for (const move of moves) {
      const { result, requests } = await arena.recorded(() => arena.attacker.ask(move))
      assert.ok(result.status < 300, result.text)
      // Every request that names an image at all names one of the attacker's.
      for (const { path } of requests) assert.ok(!decodeURIComponent(path).includes(`moorage.invalid/${arena.victim.id}/docker.io`) || path.includes(arena.attacker.id), path)
      assert.equal((await arena.bare.ask({ target: `/images/${prey.stored}/json` })).json.Id, prey.id)
      assert.equal((await arena.victim.ask({ target: '/images/secret/app:1/json' })).json.Id, prey.id)
    }
    await arena.bare.ask(load(tar))
    assert.equal((await arena.bare.ask({ target: `/images/${prey.stored}/json` })).json.Id, id)
  })

  it('is not moved by a job that calls its own image the same', async () => {
    const { tar, id } = await imageArchive({ tags: ['secret/app:1'], content: `poison ${round}` })
    await arena.attacker.ask(load(tar))
    assert.equal((await arena.attacker.ask({ target: '/images/secret/app:1/json' })).json.Id, id)
    assert.equal((await arena.victim.ask({ target: '/images/secret/app:1/json' })).json.Id, prey.id)
    await arena.attacker.ask({ method: 'DELETE', target: '/images/secret/app:1?force=1' })
    assert.equal((await arena.victim.ask({ target: '/images/secret/app:1/json' })).json.Id, prey.id)
  })
})

describe('a pull', () => {
  it('of a name that an engine would take for an id never makes the engine look for that id', async () => {
    const digits = prey.id.slice(7, 19)
    const pulls = [`fromImage=sha256:${digits}`, `fromImage=sha256&tag=${digits}`, `fromImage=${digits}`, `fromImage=${prey.id}`, `fromImage=sha256&tag=${prey.id.slice(7, 8)}`]
    for (const query of pulls) {
      const { result, requests } = await arena.recorded(() => arena.attacker.ask({ method: 'POST', target: `/images/create?${query}` }))
      assert.ok(result.status >= 400 || /"error"/.test(result.text), `${result.status} ${result.text}`)
      for (const { method, path } of requests) {
        assert.doesNotMatch(decodeURIComponent(path), /\/images\/(sha256:)?[0-9a-f]{1,64}(\/json|\?|$)/, `${query}: ${method} ${path}`)
      }
    }
    // An engine finds the image by such a name, and removes it.
    assert.equal((await arena.bare.ask({ target: `/images/sha256:${digits}/json` })).status, 200)
    assert.equal((await arena.bare.ask({ method: 'DELETE', target: `/images/sha256:${digits}?force=1` })).status, 200)
  })

  it('of another namespace\'s stored reference does not give it', async () => {
    const pull: Ask = { method: 'POST', target: `/images/create?fromImage=${prey.stored}` }
    const { result } = await arena.recorded(() => arena.attacker.ask(pull))
    assert.ok(result.status >= 400 || /"error"/.test(result.text), result.text)
    assert.ok(!await seen('attacker', prey.id))
    assert.ok(await seen('victim', 'secret/app:1'))
  })

  it('from an address is not made: the engine would fetch it', async () => {
    for (const source of ['http://127.0.0.1:1/x', 'file:///etc/passwd', 'HTTP://x', '-x', ' -']) {
      const { result, requests } = await arena.recorded(() => arena.attacker.ask({ method: 'POST', target: `/images/create?fromSrc=${encodeURIComponent(source)}&repo=x` }))
      assert.equal(result.status, 403)
      assert.deepEqual(requests, [])
    }
    // The engine tries.
    assert.match((await arena.bare.ask({ method: 'POST', target: '/images/create?fromSrc=http%3A%2F%2F127.0.0.1%3A1%2Fx&repo=x' })).text, /connection refused/)
  })
})

describe('a label that names another namespace as the owner', () => {
  it('decides nothing, however it came into an image', async () => {
    const forged = { 'io.moorage.namespace': arena.victim.id }
    const { tar, id } = await imageArchive({ tags: ['forged:1'], content: `forged ${round}`, labels: forged })
    await arena.attacker.ask(load(tar))
    await arena.attacker.ask({ method: 'POST', target: `/images/create?fromSrc=-&repo=forged&tag=2&changes=${encodeURIComponent(`LABEL io.moorage.namespace=${arena.victim.id}`)}`, type: 'application/x-tar', body: await tarOf({ loot: `${round}` }) })
    const container = await arena.container(arena.attacker, { Image: 'forged:1' }, { name: 'forger' })
    const mine = await arena.victim.ask({ target: '/containers/json?all=1' })
    assert.ok(!mine.json.some(({ Id }: { Id: string }) => Id === container))
    for (const term of [id, 'forged:1', 'forged:2']) assert.ok(!await seen('victim', term))
    assert.equal((await arena.victim.ask({ target: `/containers/${container}/json` })).status, 404)
    // The engine itself has the owner that the gateway wrote.
    assert.equal((await arena.bare.ask({ target: `/containers/${container}/json` })).json.Config.Labels['io.moorage.namespace'], arena.attacker.id)
    const filter = encodeURIComponent(JSON.stringify({ label: [`io.moorage.namespace=${arena.victim.id}`] }))
    assert.deepEqual((await arena.attacker.ask({ target: `/images/json?filters=${filter}` })).json, [])
    assert.ok((await arena.bare.ask({ target: `/images/json?filters=${filter}` })).json.some(({ Id }: { Id: string }) => Id === id))
  })
})

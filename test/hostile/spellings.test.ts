import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Ask } from '../setup/plain-http.ts'
import { openArena, type Arena } from './arena.ts'

/** The same request in other spellings than clients use. What the engine would understand, the gateway understands or refuses. */

let arena: Arena
before(async () => { arena = await openArena() })
after(() => arena.stop())

const create = (body: string, extra: Partial<Ask> = {}): Ask => ({ method: 'POST', target: '/containers/create', body, ...extra })
const inspected = async (id: string) => (await arena.bare.ask({ target: `/containers/${id}/json` })).json
const discard = (id: string) => arena.bare.ask({ method: 'DELETE', target: `/containers/${id}?force=1` })

/** Bodies that make a container with rights over the host, in ways that a parser of another kind reads differently. */
const bodies: Record<string, { body: string; proof: (container: any) => unknown; status: number }> = {
  'lower case': { body: '{"image":"busybox","hostconfig":{"privileged":true}}', proof: ({ HostConfig }) => HostConfig.Privileged, status: 403 },
  'mixed case': { body: '{"IMAGE":"busybox","hOSTcONFIG":{"bINDS":["/etc:/x"]}}', proof: ({ HostConfig }) => HostConfig.Binds?.[0] === '/etc:/x', status: 403 },
  'U+017F for s': { body: '{"Image":"busybox","Ho\u017ftConfig":{"Bind\u017f":["/etc:/x"]}}', proof: ({ HostConfig }) => HostConfig.Binds?.[0] === '/etc:/x', status: 403 },
  'U+212A for k': { body: '{"Image":"busybox","HostConfig":{"Networ\u212aMode":"host"}}', proof: ({ HostConfig }) => HostConfig.NetworkMode === 'host', status: 403 },
  'an escaped key': { body: '{"Image":"busybox","HostConfig":{"\\u0050rivileged":true}}', proof: ({ HostConfig }) => HostConfig.Privileged, status: 403 },
  'U+017F as an escape': { body: '{"Image":"busybox","HostConfig":{"Bind\\u017f":["/etc:/x"]}}', proof: ({ HostConfig }) => HostConfig.Binds?.[0] === '/etc:/x', status: 403 },
  'an object twice, the first dangerous': { body: '{"Image":"busybox","HostConfig":{"Privileged":true},"HostConfig":{}}', proof: ({ HostConfig }) => HostConfig.Privileged, status: 400 },
  'an object twice, the last dangerous': { body: '{"Image":"busybox","HostConfig":{},"HostConfig":{"Privileged":true}}', proof: ({ HostConfig }) => HostConfig.Privileged, status: 400 },
  'an object twice in two cases': { body: '{"Image":"busybox","HostConfig":{"Privileged":true},"hostconfig":{}}', proof: ({ HostConfig }) => HostConfig.Privileged, status: 400 },
  'a value twice, null last': { body: '{"Image":"busybox","HostConfig":{"Privileged":true,"Privileged":null}}', proof: ({ HostConfig }) => HostConfig.Privileged, status: 400 },
  'a value twice in two cases': { body: '{"Image":"busybox","HostConfig":{"Privileged":true,"privileged":null}}', proof: ({ HostConfig }) => HostConfig.Privileged, status: 400 },
  'a bracket behind the end': { body: '{"Image":"busybox","HostConfig":{"Privileged":true}}]', proof: ({ HostConfig }) => HostConfig.Privileged, status: 400 },
  'a content type with parameters': { body: '{"Image":"busybox","HostConfig":{"Privileged":true}}', proof: ({ HostConfig }) => HostConfig.Privileged, status: 403 },
}

describe('a container with rights over the host', () => {
  for (const [spelling, { body, proof, status }] of Object.entries(bodies)) {
    it(`is refused when it is asked for with ${spelling}`, async () => {
      const ask = create(body, spelling.startsWith('a content type') ? { type: 'Application/JSON; charset=utf-8' } : {})
      const { result, requests } = await arena.recorded(() => arena.attacker.ask(ask))
      assert.equal(result.status, status, result.text)
      assert.deepEqual(requests, [])
      const there = await arena.bare.ask(ask)
      assert.equal(there.status, 201, there.text)
      assert.ok(proof(await inspected(there.json.Id)), `the engine did not do what ${spelling} asks for`)
      await discard(there.json.Id)
    })
  }
})

describe('numbers', () => {
  it('keep their digits on the way', async () => {
    const { requests } = await arena.recorded(() => arena.attacker.ask(create('{"Image":"busybox","Healthcheck":{"Test":["CMD","true"],"Interval":9007199254740993}}')))
    const sent = requests.find(({ path }) => path.includes('/containers/create'))?.body.toString() ?? ''
    assert.match(sent, /"Interval":9007199254740993[,}]/)
  })
})

describe('a form body', () => {
  it('does not beat the query', async () => {
    const rename = (id: string): Ask => ({ method: 'POST', target: `/containers/${id}/rename?name=wanted`, type: 'application/x-www-form-urlencoded', body: `name=beaten-${arena.attacker.id}` })
    const own = await arena.container(arena.attacker)
    for (const type of ['application/x-www-form-urlencoded', ' Application/X-WWW-Form-Urlencoded; x=y', 'multipart/form-data; boundary=b', '\tapplication/x-www-form-urlencoded']) {
      const { result, requests } = await arena.recorded(() => arena.attacker.ask({ ...rename(own), type }))
      assert.equal(result.status, 400, result.text)
      assert.deepEqual(requests, [])
    }
    const there = await arena.container(arena.bare, {}, { name: `form-${arena.attacker.id}` })
    assert.equal((await arena.bare.ask(rename(there))).status, 204)
    assert.equal((await inspected(there)).Name, `/beaten-${arena.attacker.id}`)
    await discard(there)
  })
})

describe('a path', () => {
  /** What each path says of another job's container: nothing is forwarded, however it is written. */
  const paths: Record<string, (id: string) => string> = {
    'with two slashes': (id) => `//containers/${id}/json`,
    'with two slashes inside': (id) => `/containers//${id}/json`,
    'with an encoded slash': (id) => `/containers%2F${id}%2Fjson`,
    'with encoded letters': (id) => `/%63ontainers/${id}/%6Ason`,
    'through another': (id) => `/containers/x/../${id}/json`,
    'through another, encoded': (id) => `/containers/x%2f..%2f${id}/json`,
    'through another version': (id) => `/v1.51/../v1.51/containers/${id}/json`,
    'with dots': (id) => `/./containers/${id}/json`,
    'as an absolute URL': (id) => `http://engine/containers/${id}/json`,
    'as an absolute URL with a user': (id) => `http://x@engine:1/v1.51/containers/${id}/json`,
    'with a fragment': (id) => `/containers/${id}/json#x`,
  }
  for (const [how, path] of Object.entries(paths)) {
    it(`${how} reaches no other namespace's container, and an own one only where the engine takes it so`, async () => {
      const foreign = await arena.container(arena.victim)
      const { result, requests } = await arena.recorded(() => arena.attacker.ask({ target: path(foreign) }))
      assert.ok([301, 404].includes(result.status), `${result.status} ${result.text}`)
      assert.deepEqual(requests, [])
      const [own, there] = [await arena.attacker.ask({ target: path(await arena.container(arena.attacker)) }), await arena.bare.ask({ target: path(foreign) })]
      assert.equal(own.status, there.status)
      assert.equal(own.headers.location === undefined, there.headers.location === undefined)
      if (there.headers.location !== undefined) assert.equal(result.headers.location, there.headers.location)
    })
  }

  it('with a backslash or dots in a name is answered as the engine answers it', async () => {
    for (const target of ['/containers/..%5Cx/json', '/containers/%2e%2e%2f%2e%2e/json', '/volumes/..%2f..', '/images/..%2fx/json', '/networks/..', '/v1.51/', '/v9/_ping', '/v1.51/v1.51/_ping', '/containers/%zz/json', '/%00']) {
      const { result, requests } = await arena.recorded(() => arena.attacker.ask({ target }))
      assert.ok(result.status >= 300, `${target}: ${result.status}`)
      assert.deepEqual(requests, [], target)
    }
  })
})

describe('a query', () => {
  it('in other spellings means what the engine takes it for', async () => {
    const own = await arena.container(arena.attacker, {}, { name: 'listed' })
    const listed = async (query: string) => {
      const answer = await arena.attacker.ask({ target: `/containers/json?${query}` })
      return answer.status === 200 ? answer.json.some(({ Id }: { Id: string }) => Id === own) : answer.status
    }
    // own spelling → what the bare engine does with a container of its own.
    const there = await arena.container(arena.bare, {}, { name: `listed-${arena.attacker.id}` })
    const listedThere = async (query: string) => {
      const answer = await arena.bare.ask({ target: `/containers/json?${query}` })
      return answer.status === 200 ? answer.json.some(({ Id }: { Id: string }) => Id === there) : answer.status
    }
    for (const query of ['%61ll=1', 'ALL=1', 'all=0&all=1', 'all=1&all=0', 'all=off', 'all=%20no%20', 'all', 'all=1;x=2', 'all=%zz', 'all=NONE', 'limit=1%20', '&&all=1&', 'all=+0', 'a%6Cl=True']) {
      assert.equal(await listed(query), await listedThere(query), query)
    }
    await discard(there)
  })
})

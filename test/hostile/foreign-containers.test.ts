import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Ask } from '../setup/plain-http.ts'
import { openArena, type Arena } from './arena.ts'

/** Every way to name another job's container on every endpoint that takes one. On the bare engine each of them works. */

let arena: Arena
before(async () => { arena = await openArena() })
after(() => arena.stop())

type Case = { verb: string; ask: (term: string) => Ask; works: readonly number[] }

const post = (verb: string, body?: unknown): Case['ask'] => (term) => ({ method: 'POST', target: `/containers/${term}/${verb}`, body })
const get = (verb: string): Case['ask'] => (term) => ({ target: `/containers/${term}/${verb}` })

/** In an order in which each works after the one before. */
const cases: readonly Case[] = [
  { verb: 'json', ask: get('json'), works: [200] },
  { verb: 'json?size', ask: get('json?size=1'), works: [200] },
  { verb: 'top', ask: get('top'), works: [200] },
  { verb: 'logs', ask: get('logs?stdout=1'), works: [200] },
  { verb: 'changes', ask: get('changes'), works: [200] },
  { verb: 'export', ask: get('export'), works: [200] },
  { verb: 'stats', ask: get('stats?stream=0&one-shot=1'), works: [200] },
  { verb: 'archive', ask: get('archive?path=/etc/passwd'), works: [200] },
  { verb: 'archive HEAD', ask: (term) => ({ method: 'HEAD', target: `/containers/${term}/archive?path=/etc/passwd` }), works: [200] },
  { verb: 'archive PUT', ask: (term) => ({ method: 'PUT', target: `/containers/${term}/archive?path=/`, type: 'application/x-tar', body: Buffer.alloc(1024) }), works: [200] },
  { verb: 'exec', ask: post('exec', { Cmd: ['id'] }), works: [201] },
  { verb: 'resize', ask: post('resize?h=1&w=1'), works: [200] },
  { verb: 'update', ask: post('update', { CpuShares: 2 }), works: [200] },
  { verb: 'rename', ask: post(`rename?name=stolen-${process.pid}`), works: [204] },
  { verb: 'pause', ask: post('pause'), works: [204] },
  { verb: 'unpause', ask: post('unpause'), works: [204] },
  { verb: 'attach', ask: post('attach?logs=1&stdout=1'), works: [200] },
  { verb: 'restart', ask: post('restart?t=0'), works: [204] },
  { verb: 'kill', ask: post('kill'), works: [204] },
  { verb: 'wait', ask: post('wait'), works: [200] },
  { verb: 'start', ask: post('start'), works: [204] },
  { verb: 'stop', ask: post('stop?t=0'), works: [204] },
  { verb: 'remove', ask: (term) => ({ method: 'DELETE', target: `/containers/${term}?force=1&v=1` }), works: [204] },
]

/** The shortest prefix of an id that only this container on the engine has. */
async function shortest(id: string): Promise<string> {
  const all: { Id: string }[] = (await arena.bare.ask({ target: '/containers/json?all=1' })).json
  for (let length = 1; ; length++) if (all.filter((one) => one.Id.startsWith(id.slice(0, length))).length === 1) return id.slice(0, length)
}

describe('a container of another namespace', () => {
  for (const { verb, ask, works } of cases) {
    it(`answers ${verb} as one that does not exist, by id, name and prefix, and the engine is not asked`, async () => {
      const id = await arena.container(arena.victim, {}, { name: `prey-${verb.replace(/\W/g, '')}`, start: verb !== 'start' })
      const stored = `${arena.victim.id}.prey-${verb.replace(/\W/g, '')}`
      const absent = '0123456789abcdef'.repeat(4)
      for (const term of [id, await shortest(id), id.slice(0, 12), stored, `${id}%00`]) {
        const { result, requests } = await arena.recorded(() => arena.attacker.ask(ask(term)))
        const none = await arena.attacker.ask(ask(term.endsWith('%00') ? `${absent}%00` : absent))
        assert.ok(result.status >= 400, `${term}: ${result.status} ${result.text}`)
        assert.equal(result.status, none.status)
        // The absent id is in no other text, as a prefix of one digit would be.
        assert.equal(result.text, none.text.replaceAll(absent, term))
        assert.deepEqual(requests.map(({ method, path }) => `${method} ${path}`), [])
      }
      // The victim still has it, as it was.
      assert.equal((await arena.victim.ask({ target: `/containers/${id}/json` })).status, 200)
      // And there it would have worked.
      if (verb === 'unpause') await arena.bare.ask(post('pause')(id))
      const waits = verb === 'wait' || verb === 'attach'
      if (waits) await arena.bare.ask(post('kill')(id))
      const there = await arena.bare.ask(ask(await shortest(id)))
      assert.ok(works.includes(there.status), `${verb} on the engine: ${there.status} ${there.text}`)
    })
  }

  it('is not found by an id with a NUL behind it, which an engine takes', async () => {
    const id = await arena.container(arena.victim, {}, { name: 'nul' })
    assert.equal((await arena.bare.ask({ target: `/containers/${id}%00/json` })).status, 200)
    const { result, requests } = await arena.recorded(() => arena.victim.ask({ target: `/containers/${id}%00/json` }))
    assert.ok(result.status === 400 || result.status === 404, result.text)
    assert.deepEqual(requests, [])
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { imageArchive, tarOf } from '../setup/image-archive.ts'
import { isAlive, until } from '../setup/processes.ts'
import { openArena, type Arena } from './arena.ts'

/** What an engine that goes away does to those who are in the middle of something, and what they can do to the gateway then. */

let arena: Arena
before(async () => { arena = await openArena() })
after(() => arena.stop())

describe('while the engine cannot be reached', () => {
  it('every call is answered, and no body that is sent then ends the gateway', async () => {
    const { pid } = arena.gateway
    arena.recorder.stop()
    await until(async () => (await arena.attacker.ask({ target: '/containers/json?all=1' })).status !== 500, 'the gateway notices', 60_000)
    const { tar } = await imageArchive({ tags: ['x:1'], content: 'x' })
    const bodies = [tar, tar.subarray(0, 700), await tarOf({ 'manifest.json': '[{"Config":"../x","RepoTags":["x"],"Layers":[]}]' }), await tarOf({ loot: 'no manifest' }), Buffer.from('no tar')]
    for (const body of bodies) {
      for (const target of ['/images/load', '/images/create?fromSrc=-&repo=x', '/build']) {
        const answer = await arena.attacker.ask({ method: 'POST', target, type: 'application/x-tar', body })
        assert.ok(answer.status >= 400 || /error/.test(answer.text), `${target}: ${answer.status} ${answer.text}`)
      }
    }
    assert.ok(isAlive(pid), arena.gateway.log())
    assert.equal(arena.gateway.pid, pid)
    const ping = await arena.attacker.ask({ target: '/_ping' })
    assert.deepEqual([ping.status, /^host engine .*; /.test(ping.json.message)], [503, true], ping.text)
  })
})

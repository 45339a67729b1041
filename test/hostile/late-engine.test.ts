import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startGateway, type Gateway } from '../setup/gateway.ts'
import { ask } from '../setup/plain-http.ts'
import type { Version } from '../setup/paths.ts'
import { until } from '../setup/processes.ts'
import { recordingProxy, type RecordingProxy } from '../setup/recording-proxy.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

/** An engine that is not there at first, goes away, and is another version when it is back. */

const directory = mkdtempSync(join(tmpdir(), 'moorage-late-'))
const place = join(directory, 'docker.sock')
const job = join(directory, 'job.sock')
let gateway: Gateway
let proxy: RecordingProxy | undefined
before(async () => { gateway = await startGateway({ engineSocket: place, withoutEngine: true, config: { images: { shared: ['busybox:latest'] }, controlGroups: 'off' } }) })
after(async () => {
  await gateway?.moorage(['close', '--all'])
  await gateway?.stop()
  proxy?.stop()
  rmSync(directory, { recursive: true })
})

async function appears(version: Version): Promise<void> {
  proxy = await recordingProxy((await sharedEngine(version)).socket)
  rmSync(place, { force: true })
  symlinkSync(proxy.socket, place)
}

const count = (line: string) => gateway.log().split(line).length - 1
const create = (name: string) => ask(job, { method: 'POST', target: `/containers/create?name=${name}`, body: { Image: 'busybox' } })

describe('a gateway whose engine', () => {
  it('is not there, says where it looks and what to do, and answers 503 with a sentence', async () => {
    await until(() => count(`No Docker engine answers at unix://${place} (ENOENT). Start it or install one`) === 1, 'it says so')
    const { status, stderr } = await gateway.moorage(['open'])
    assert.deepEqual([status, /no host takes namespaces: host engine does not answer \(ENOENT\)/.test(stderr)], [1, true], stderr)
    assert.equal(count('Next, in another shell'), 0)
  })

  it('appears, says so and how to go on, and serves', async () => {
    await appears('28.5')
    await until(() => count('Found Docker Engine 28.5') === 1 && count('Next, in another shell') === 1, 'it is found')
    await gateway.open('--unix', job)
    assert.match((await ask(job, { target: '/version' })).json.Version, /^28\.5/)
    assert.equal((await create('of-the-first')).status, 201)
  })

  it('disappears, says so once, and answers 503 with its name', async () => {
    proxy!.stop()
    await until(() => count('No Docker engine answers') === 2, 'it says so')
    const { status, json } = await create('nowhere')
    assert.deepEqual([status, /^host engine .*; the namespace continues when the engine is back$/.test(json.message)], [503, true], json.message)
  })

  it('is replaced by one of another version, says which, and serves the namespace by that', async () => {
    await appears('20.10')
    await until(() => count('Found Docker Engine 20.10') === 1, 'it is found')
    await until(async () => (await ask(job, { target: '/_ping' })).status === 200, 'it serves')
    const { headers, json } = await ask(job, { target: '/version' })
    assert.match(json.Version, /^20\.10/)
    assert.equal(headers['api-version'], '1.41')
    assert.deepEqual((await ask(job, { target: '/containers/json?all=1' })).json, [])
    assert.equal((await create('of-the-second')).status, 201)
    await until(async () => (await create('of-the-first')).status === 201, 'the name of what the other engine had is free')
    assert.equal(count('No Docker engine answers'), 2)
    assert.equal(count('Next, in another shell'), 1)
  })
})

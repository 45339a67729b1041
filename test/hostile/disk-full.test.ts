import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { environment, main, moorage } from '../infra/cli/harness.ts'
import { controlApi } from '../setup/control-api.ts'
import type { Engine } from '../setup/engine.ts'
import { operate } from '../setup/farm.ts'
import { startGateway, type Gateway } from '../setup/gateway.ts'
import { ask } from '../setup/plain-http.ts'
import { isAlive, until } from '../setup/processes.ts'
import { sharedEngine } from '../setup/shared-engine.ts'
import { smallDisk, type SmallDisk } from '../setup/small-disk.ts'

/** A disk on which there is no room for another byte, under what the gateway writes. */

const says503 = ({ status, json }: { status: number; json: any }) => status === 503 && /^the gateway's store cannot be changed: its disk is full; what runs goes on, /.test(json.message)

describe('while the disk of the state directory is full', () => {
  let [disk, engine, gateway] = [] as unknown as [SmallDisk, Engine, Gateway]
  let [id, socket] = ['', '']
  const sockets = mkdtempSync(join(tmpdir(), 'moorage-full-'))
  const call = (method: string, target: string, body?: object) => ask(socket, { method, target, ...(body && { body }) })
  const create = (name: string) => call('POST', `/containers/create?name=${name}`, { Image: 'busybox', Cmd: ['sleep', '1000'] })
  before(async () => {
    disk = smallDisk()
    engine = await sharedEngine('28.5')
    const config = { images: { shared: ['busybox:latest'] }, controlGroups: 'off', audit: { file: join(disk.directory, 'audit.jsonl') } }
    gateway = await startGateway({ engineSocket: engine.socket, stateDir: join(disk.directory, 'state'), config })
    socket = join(sockets, 'job.sock')
    ;({ id } = await gateway.open('--unix', socket))
    assert.equal((await create('before')).status, 201)
    disk.fill()
  })
  after(async () => {
    disk.empty()
    await gateway.moorage(['close', '--all'])
    await gateway.stop()
    disk.stop()
    rmSync(sockets, { recursive: true })
  })

  it('what changes something is answered 503 with a sentence, and what reads is served', async () => {
    await until(async () => says503(await create('refused')), 'creating is refused')
    for (const [target, body] of [['/volumes/create', { Name: 'refused' }], ['/networks/create', { Name: 'refused' }], ['/images/busybox/tag?repo=refused', undefined]] as const) {
      const answer = await call('POST', target, body)
      assert.ok(says503(answer), `${target}: ${answer.status} ${answer.text}`)
    }
    const opening = await controlApi(gateway, 'POST', '/namespaces', {})
    assert.ok(says503(opening), JSON.stringify(opening))
    const listed = await call('GET', '/containers/json?all=1')
    assert.deepEqual(listed.json.map(({ Names }: { Names: string[] }) => Names), [['/before']])
    assert.equal((await call('POST', '/containers/before/start')).status, 204)
    assert.match(gateway.log(), /The store cannot be used: its disk is full\./)
    await until(async () => {
      await create('refused')
      return gateway.log().includes('The audit stream cannot be written: ENOSPC')
    }, 'the audit stream has found the disk full')
  })

  it('the gateway is alive and not ready, and says why', async () => {
    await until(async () => (await operate(gateway, 'GET', '/readyz')).status === 503, 'it is not ready')
    assert.match((await operate(gateway, 'GET', '/readyz')).text, /^the gateway's store cannot be changed: its disk is full; what runs goes on, /)
    assert.equal((await operate(gateway, 'GET', '/healthz')).status, 200)
  })

  it('a socket that could not be remembered is not served, and says why', async () => {
    const path = join(sockets, 'late.sock')
    const { status, json } = await controlApi(gateway, 'POST', `/namespaces/${id}/socket`, { path })
    assert.deepEqual([status, /^the socket .* cannot be remembered .*no space left/.test(json.message)], [503, true], json.message)
    await assert.rejects(ask(path, { target: '/_ping' }))
  })

  it('a removal is done, also when it cannot be noted', async () => {
    await call('DELETE', '/containers/before?force=1')
    assert.equal(await engine.docker('ps', '-aq', '--filter', `name=^/${id}\\.before$`), '')
    // The engine decides what exists.
    assert.equal((await call('GET', '/containers/before/json')).status, 404)
  })

  it('nothing is left without an owner, and all works again when there is room', async () => {
    const { pid } = gateway
    const names = Array.from({ length: 6 }, (_, n) => `crowd-${n}`)
    const answers = await Promise.all(names.map(create))
    assert.ok(answers.every(({ status }) => [201, 503].includes(status)), answers.map(({ text }) => text).join())
    disk.empty()
    await until(async () => (await create('after')).status === 201, 'creating works again')
    const has = async () => (await engine.docker('ps', '-a', '--format', '{{.Names}}', '--filter', `name=^/${id}\\.`)).split('\n').map((name) => name.slice(id.length + 1)).toSorted()
    const sees = async () => (await call('GET', '/containers/json?all=1')).json.map(({ Names }: { Names: string[] }) => Names[0]!.slice(1)).toSorted()
    await until(async () => isDeepStrictEqual(await has(), await sees()), 'what the engine has is the namespace\'s', 100_000)
    for (const name of names) assert.ok([201, 409].includes((await create(name)).status))
    await until(() => gateway.log().includes('The store works again.'), 'the recovery is told')
    assert.equal((await operate(gateway, 'GET', '/readyz')).text, 'ready\n')
    assert.equal(gateway.pid, pid)
    assert.ok(isAlive(pid))
  })

  it('the audit stream goes on with whole lines, has those that waited, and lost none', async () => {
    await call('POST', '/volumes/create', { Name: 'audited' })
    const lines = () => readFileSync(join(disk.directory, 'audit.jsonl'), 'utf8').split('\n').filter(Boolean)
    await until(() => lines().some((line) => line.includes('VolumeCreate') && line.includes('"status":201')), 'the newest call is there')
    for (const line of lines()) assert.ok(JSON.parse(line).endpoint, line)
    assert.ok(lines().some((line) => line.includes('NetworkCreate') && line.includes('"status":503')))
    await until(() => gateway.log().includes('The audit stream is written again.'), 'that is told')
    assert.doesNotMatch(gateway.log(), /audit stream are lost/)
  })
})

describe('a gateway that starts on a full disk', () => {
  it('says so, and starts when there is room', async () => {
    const disk = smallDisk('1m')
    const state = join(disk.directory, 'state')
    try {
      mkdirSync(state, { mode: 0o700 })
      disk.fill()
      const { code, stderr } = await moorage(['serve', '--state', state, '--listen', '127.0.0.1:0', '--host', `unix://${disk.directory}/none.sock`])
      assert.equal(code, 1)
      assert.match(stderr, /^The gateway did not start, because the disk of its state directory .*\/state is full; make room there, or .*--state\n$/)
      disk.empty()
      const gateway = await startGateway({ stateDir: state, engineSocket: join(disk.directory, 'none.sock'), withoutEngine: true })
      await gateway.stop()
    } finally {
      disk.stop()
    }
  })
})

describe('a gateway whose log lies on a full disk', () => {
  it('goes on without it', async () => {
    const disk = smallDisk('1m')
    const state = mkdtempSync(join(tmpdir(), 'moorage-full-'))
    const log = openSync(join(disk.directory, 'log'), 'a')
    disk.fill()
    const child = spawn(process.execPath, [main, 'serve', '--state', state, '--listen', '127.0.0.1:0', '--log', 'debug', '--host', `unix://${state}/none.sock`], { env: environment(), stdio: ['ignore', log, log] })
    try {
      const announced = () => { try { return JSON.parse(readFileSync(join(state, 'gateway.json'), 'utf8')).url as string } catch { return undefined } }
      await until(() => { assert.equal(child.exitCode, null); return announced() !== undefined }, 'it listens')
      for (let calls = 0; calls < 3; calls++) assert.equal((await controlApi({ url: announced()!, stateDir: state }, 'GET', '/namespaces')).status, 200)
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      assert.equal((await ended)[0], 0)
    } finally {
      child.kill('SIGKILL')
      disk.stop()
      rmSync(state, { recursive: true })
    }
  })
})

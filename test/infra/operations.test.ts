import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as v from 'valibot'
import { auditSchema, type AuditRecord } from '../../lib/audit.ts'
import { cli, docker } from '../setup/cli.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { until } from '../setup/processes.ts'
import { recordingProxy } from '../setup/recording-proxy.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

interface Answer {
  status: number
  type: string
  text: string
}

/** One request as an operator's tools make it: without a client certificate. */
function get(gateway: Gateway, path: string, token?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` }
    const asked = request(`${gateway.url}${path}`, { ca: readFileSync(join(gateway.stateDir, 'ca.pem')), headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part) => { text += part }).on('end', () => {
        resolve({ status: response.statusCode!, type: response.headers['content-type'] ?? '', text })
      })
    })
    asked.on('error', reject).end()
  })
}

describe('the operators\' side of a gateway', () => {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-operations-'))
  const auditFile = join(directory, 'audit.jsonl')
  let gateway: Gateway
  let namespace: Namespace
  let token: string
  let engine: Awaited<ReturnType<typeof recordingProxy>>
  const audited = (): AuditRecord[] => readFileSync(auditFile, 'utf8').trim().split('\n').filter(Boolean).map((line) => v.parse(auditSchema, JSON.parse(line)))
  const auditLine = async (wanted: (record: AuditRecord) => boolean, what: string) => {
    await until(() => audited().some(wanted), what, 60_000)
    return audited().find(wanted)!
  }

  before(async () => {
    engine = await recordingProxy((await sharedEngine('28.5')).socket)
    gateway = await startGateway({ engineSocket: engine.socket, flags: ['--audit', auditFile, '--shared-image', 'busybox:latest', '--log-format', 'json', '--log', 'debug'] })
    namespace = await gateway.open('--label', 'unit tests')
    token = readFileSync(join(gateway.stateDir, 'operator-token'), 'utf8').trim()
  })
  after(async () => {
    engine.stop()
    await gateway?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  test('says that it lives and is ready, to anybody', async () => {
    assert.deepEqual(await get(gateway, '/healthz'), { status: 200, type: 'text/plain; charset=UTF-8', text: 'ok\n' })
    assert.deepEqual(await get(gateway, '/readyz'), { status: 200, type: 'text/plain; charset=UTF-8', text: 'ready\n' })
  })

  test('is not ready when no host answers', async () => {
    const lonely = await startGateway({ engineSocket: join(directory, 'nobody.sock'), withoutEngine: true })
    assert.deepEqual(await get(lonely, '/readyz'), { status: 503, type: 'text/plain; charset=UTF-8', text: 'no host answers\n' })
    assert.equal((await get(lonely, '/healthz')).status, 200)
    await lonely.stop()
  })

  for (const path of ['/metrics', '/operations', '/operations/stream']) {
    test(`tells ${path} only to who has the operator's token`, async () => {
      for (const given of [undefined, 'wrong']) {
        const { status, text } = await get(gateway, path, given)
        assert.equal(status, 401)
        assert.match(JSON.parse(text).message, /needs the operator's token/)
      }
    })
  }

  test('counts calls and refusals by row, and never by what a job named', async () => {
    await docker(namespace.env, ['volume', 'create', 'secret-project'])
    assert.equal((await cli(namespace.env, ['run', '--privileged', 'busybox'])).status, 125)
    const { status, type, text } = await get(gateway, '/metrics', token)
    assert.equal(status, 200)
    assert.match(type, /^text\/plain; version=0\.0\.4/)
    assert.match(text, /^moorage_requests_total\{endpoint="VolumeCreate",code="201"\} 1$/m)
    assert.match(text, /^moorage_refusals_total\{endpoint="ContainerCreate",code="403"\} 1$/m)
    assert.match(text, /^moorage_host_up\{host="engine"\} 1$/m)
    assert.match(text, /^moorage_namespaces\{host="engine",state="open"\} 1$/m)
    assert.match(text, /^moorage_store_up 1$/m)
    assert.ok(!text.includes('secret-project') && !text.includes(namespace.id))
  })

  test('writes who did what and why it was refused', async () => {
    assert.equal((await cli(namespace.env, ['run', '-v', '/etc:/x', 'busybox'])).status, 125)
    const refused = await auditLine(({ refusal }) => refusal?.field === 'HostConfig.Binds', 'the refusal is in the audit stream')
    assert.deepEqual({ ...refused, time: '', milliseconds: 0 }, {
      time: '', namespace: namespace.id, label: 'unit tests', policy: 'default', host: 'engine', endpoint: 'ContainerCreate', method: 'POST', target: '',
      status: 403, milliseconds: 0, refusal: { field: 'HostConfig.Binds', setting: null, value: null, message: refused.refusal!.message }, permitted: [], trace: null,
    })
    await docker(namespace.env, ['volume', 'create', 'kept'])
    await docker(namespace.env, ['volume', 'rm', 'kept'])
    await auditLine(({ endpoint, target, status }) => endpoint === 'VolumeRemove' && target === 'kept' && status === 204, 'the removal is there')
    await auditLine(({ endpoint, status }) => endpoint === 'NamespaceOpen' && status === 201, 'the opening is there')
    assert.ok(audited().every(({ method, refusal }) => refusal !== null || !['GET', 'HEAD'].includes(method)))
  })

  test('goes on in a new audit file after SIGHUP', async () => {
    renameSync(auditFile, `${auditFile}.1`)
    process.kill(gateway.pid, 'SIGHUP')
    await until(() => { try { readFileSync(auditFile); return true } catch { return false } }, 'the new file is there')
    await docker(namespace.env, ['volume', 'create', 'later'])
    await auditLine(({ endpoint }) => endpoint === 'VolumeCreate', 'the new file has the new line')
  })

  test('logs JSON, with a sentence in each object', () => {
    const lines = gateway.log().trim().split('\n').map((line) => JSON.parse(line))
    assert.ok(lines.some(({ msg, level }) => level === 30 && msg.startsWith('Moorage listens on')))
    assert.ok(lines.some(({ msg, endpoint }) => endpoint === 'VolumeCreate' && msg.includes(' 201 in ')))
  })

  test('carries a trace on to the engine', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
    const tls = Object.fromEntries(['ca', 'cert', 'key'].map((name) => [name, readFileSync(join(namespace.certPath, `${name}.pem`))]))
    await new Promise((resolve, reject) => {
      request(`${gateway.url}/volumes/later`, { ...tls, agent: false, headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` } })
        .on('error', reject).on('response', (response) => response.resume().on('end', resolve)).end()
    })
    const sent = engine.requests.find(({ headers }) => headers['traceparent'])
    assert.match(String(sent?.headers['traceparent']), new RegExp(`^00-${trace}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`))
  })

  test('tells the page about hosts, namespaces and refusals', async () => {
    const { hosts, namespaces, total, refusals } = JSON.parse((await get(gateway, '/operations', token)).text)
    assert.deepEqual(hosts.map(({ name, up }: { name: string; up: boolean }) => ({ name, up })), [{ name: 'engine', up: true }])
    assert.equal(total, 1)
    assert.equal(namespaces[0].label, 'unit tests')
    assert.ok(namespaces[0].lastCall > 0 && namespaces[0].volumes >= 1)
    assert.ok(refusals.some(({ field }: { field?: string }) => field === 'HostConfig.Privileged'))
  })
})

test('shared images that an engine lacks are told, and seen as soon as they are there', async (t) => {
  const engine = await sharedEngine('28.5')
  const gateway = await startGateway({ engineSocket: engine.socket, flags: ['--shared-image', 'busybox:latest', '--shared-image', 'operations-late:1'] })
  t.after(() => gateway.stop())
  await until(() => /The engine lacks shared images: operations-late:1\. .* pull operations-late:1/.test(gateway.log()), 'the gateway tells')
  const { env } = await gateway.open()
  assert.equal(await docker(env, ['images', '-q', 'operations-late:1']), '')
  await engine.docker('tag', 'busybox:latest', 'operations-late:1')
  t.after(() => engine.docker('rmi', 'operations-late:1'))
  await until(async () => await docker(env, ['images', '-q', 'operations-late:1']) !== '', 'the namespace sees it')
})

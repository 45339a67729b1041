import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startEngine, type OwnEngine } from '../setup/engine.ts'
import { startGateway, type Gateway } from '../setup/gateway.ts'
import { tarOf } from '../setup/image-archive.ts'
import { importBusybox } from '../setup/images.ts'
import { ask } from '../setup/plain-http.ts'
import { until } from '../setup/processes.ts'
import { recordingProxy, type RecordingProxy } from '../setup/recording-proxy.ts'
import { startStalledRegistry, type StalledRegistry } from '../setup/stalled-registry.ts'

/** Everything that lasts, when one of its ends goes away: the client, and then the engine. */

let [engine, recorder, gateway, registry] = [] as unknown as [OwnEngine, RecordingProxy, Gateway, StalledRegistry]
const ids: string[] = []
let [path, context] = ['', Buffer.alloc(0) as Buffer]
const directory = mkdtempSync(join(tmpdir(), 'moorage-streams-'))

/** Writes much, ignores SIGTERM and never ends by itself. */
const busy = 'trap "" TERM; head -c 30000000 /dev/zero > /big; while :; do echo tick; sleep 0.2; done'

before(async () => {
  engine = await startEngine()
  await importBusybox(engine)
  registry = await startStalledRegistry(engine)
  recorder = await recordingProxy(engine.socket)
  gateway = await startGateway({ engineSocket: recorder.socket, config: { images: { shared: ['busybox:latest'] }, controlGroups: 'off' } })
  path = join(directory, 'job.sock')
  await gateway.open('--unix', path)
  context = await tarOf({ Dockerfile: 'FROM busybox\nRUN sleep 100000' })
  for (const name of ['box', 'stubborn']) {
    const created = await ask(path, { method: 'POST', target: `/containers/create?name=${name}`, body: { Image: 'busybox', Cmd: ['sh', '-c', busy] } })
    ids.push(created.json.Id)
    await ask(path, { method: 'POST', target: `/containers/${name}/start` })
  }
  await ask(path, { method: 'POST', target: `/images/busybox/tag?repo=${registry.address}/pushed` })
  await until(async () => (await ask(path, { target: '/containers/box/logs?stdout=1' })).text.includes('tick'), 'the container is busy')
})
after(async () => {
  await gateway?.stop()
  recorder?.stop()
  registry?.stop()
  engine?.stop()
  rmSync(directory, { recursive: true })
})

const head = (line: string, ...headers: string[]) => [`${line} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n')
const upgrade = ['Connection: Upgrade', 'Upgrade: tcp']

interface Stream {
  /** What the client sends. */
  bytes(): string | Buffer | Promise<string | Buffer>
  /** What the engine is asked then, by the end of a line of request. */
  asks: RegExp
  /** A client that ends its side has only ended its input: that it is gone is seen when the next output cannot be written. */
  halves?: boolean
  /** The client takes nothing of the answer. */
  paused?: boolean
}

const streams: Record<string, Stream> = {
  'logs -f': { bytes: () => head('GET /containers/box/logs?stdout=1&follow=1'), asks: /\/logs\?/ },
  attach: { bytes: () => head('POST /containers/box/attach?stream=1&stdout=1', ...upgrade), asks: /\/attach\?/, halves: true },
  exec: {
    async bytes() {
      const { json } = await ask(path, { method: 'POST', target: '/containers/box/exec', body: { Cmd: ['sh', '-c', 'while :; do echo tick; sleep 0.2; done'], AttachStdout: true } })
      return `${head(`POST /exec/${json.Id}/start`, ...upgrade, 'Content-Type: application/json', 'Content-Length: 2')}{}`
    },
    asks: /\/exec\/\w+\/start$/, halves: true,
  },
  wait: { bytes: () => head('POST /containers/box/wait', 'Content-Length: 0'), asks: /\/wait$|\/wait\?/ },
  stats: { bytes: () => head('GET /containers/box/stats'), asks: /\/stats/ },
  'a stop that takes long': { bytes: () => head('POST /containers/stubborn/stop?t=100000', 'Content-Length: 0'), asks: /\/stop\?/ },
  pull: { bytes: () => head(`POST /images/create?fromImage=${encodeURIComponent(`${registry.address}/x`)}&tag=1`, 'Content-Length: 0'), asks: /\/images\/create\?/ },
  push: { bytes: () => head(`POST /images/${registry.address}/pushed/push?tag=latest`, 'X-Registry-Auth: e30=', 'Content-Length: 0'), asks: /\/push\?/ },
  build: { bytes: () => Buffer.concat([Buffer.from(head('POST /build', 'Content-Type: application/x-tar', `Content-Length: ${context.length}`)), context]), asks: /\/session$/ },
  'archive down': { bytes: () => head('GET /containers/box/archive?path=/big'), asks: /\/archive\?path=%2Fbig/, paused: true },
  export: { bytes: () => head('GET /containers/box/export'), asks: /\/export/, paused: true },
  'archive up': { bytes: () => `${head('PUT /containers/box/archive?path=/tmp', 'Content-Type: application/x-tar', 'Content-Length: 30000000')}${'\0'.repeat(1000)}`, asks: /\/archive\?path=%2Ftmp/ },
}

/** A client in the middle of a stream. */
async function begin({ bytes, asks, halves = false, paused = false }: Stream) {
  const isOpen = () => (halves ? recorder.open() : recorder.asked()).some((one) => asks.test(one.path))
  await until(() => !isOpen(), `nothing of before is at the engine (${asks})`, 60_000)
  const socket: Socket = connect({ path })
  let [text, ended] = ['', false]
  socket.on('error', () => { ended = true }).on('end', () => { ended = true }).on('close', () => { ended = true })
  await once(socket, 'connect')
  const read = () => void socket.on('data', (piece: Buffer) => { text = (text + piece.toString('latin1')).slice(-4000) })
  if (!paused) read()
  socket.write(await bytes())
  await until(() => isOpen() || ended || / [45]\d\d /.test(text.slice(0, 20)), `the engine is asked: ${asks}`, 60_000)
  assert.ok(isOpen(), `${asks}: ${text}`)
  return { socket, isOpen, text: () => text, ended: () => ended, read: () => { if (paused) read() } }
}

describe('a client that goes away', () => {
  for (const [what, stream] of Object.entries(streams)) {
    it(`ends at the engine: ${what}`, async (t) => {
      const { socket, isOpen } = await begin(stream)
      const at = performance.now()
      socket.destroy()
      await until(() => !isOpen(), 'the engine\'s side ends', 60_000)
      t.diagnostic(`after ${Math.round(performance.now() - at)} ms`)
    })
  }
})

describe('an engine that dies and comes back', () => {
  it('ends every stream, and leaves namespaces, names and claims as they were, and nothing hanging in the gateway', async () => {
    const sockets = () => readdirSync(`/proc/${gateway.pid}/fd`).filter((fd) => { try { return readlinkSync(`/proc/${gateway.pid}/fd/${fd}`).startsWith('socket:') } catch { return false } }).length
    const before = sockets()
    const { pid } = gateway
    const clients: (Awaited<ReturnType<typeof begin>> & { what: string })[] = []
    // One after the other: engines do nothing else with a container while they read or write its files.
    for (const [what, stream] of Object.entries(streams)) clients.push({ what, ...await begin(stream) })
    const watcher = connect({ path })
    let over = false
    watcher.on('data', () => {}).on('error', () => { over = true }).on('close', () => { over = true })
    watcher.write(head('GET /events', 'Connection: close'))
    assert.ok(sockets() > before + clients.length)
    await engine.kill()
    for (const { what, ended, read, text } of clients) {
      // Whoever did not read may have much to read still.
      read()
      await until(() => ended() || /\r\n0\r\n\r\n$|^HTTP\/1\.1 50\d /.test(text()), `${what} ends: ${text().slice(-300)}`, 60_000)
    }
    for (const { socket } of clients) socket.destroy()
    assert.match((await ask(path, { target: '/containers/json' })).json.message, /^host engine .*; the namespace continues when the engine is back$/)
    await engine.start()
    await until(async () => (await ask(path, { target: '/containers/json?all=1' })).status === 200, 'the namespace is served again', 100_000)
    const list = await ask(path, { target: '/containers/json?all=1' })
    assert.deepEqual(list.json.map(({ Id, Names }: { Id: string; Names: string[] }) => [Id, Names[0]]).toSorted(), [[ids[0], '/box'], [ids[1], '/stubborn']].toSorted())
    assert.match((await ask(path, { method: 'POST', target: '/containers/create?name=box', body: { Image: 'busybox' } })).json.message, /^Conflict\. The container name "\/box" is already in use/)
    assert.equal((await ask(path, { method: 'POST', target: '/containers/box/start' })).status, 204)
    assert.equal((await ask(path, { method: 'POST', target: '/containers/create?name=next', body: { Image: 'busybox' } })).status, 201)
    assert.equal((await ask(path, { method: 'DELETE', target: '/containers/next' })).status, 204)
    watcher.destroy()
    await until(() => over, 'the watcher is gone')
    await until(() => sockets() <= before, `the gateway holds no more sockets than before, ${before}`, 150_000).catch((error) => { throw new Error(`${error.message}: ${sockets()}`) })
    assert.equal(gateway.pid, pid)
  })
})

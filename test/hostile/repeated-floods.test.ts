import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { startGateway, type Gateway } from '../setup/gateway.ts'
import { buildId, control, upgraded } from '../setup/grpc-client.ts'
import { attack, floods } from '../setup/grpc-floods.ts'
import { heldConnections } from '../setup/held-connections.ts'
import { callFrame, flags, frame, hello, types, uint32 } from '../setup/http2-frames.ts'
import { root } from '../setup/paths.ts'
import { residentBytes, until } from '../setup/processes.ts'
import { recordingProxy, type RecordingProxy } from '../setup/recording-proxy.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

/** The same floods again and again: what they cost once is not kept and does not add up. */

const MiB = 1024 * 1024
const directory = mkdtempSync(join(tmpdir(), 'moorage-repeated-'))
const [path, heapFile] = [join(directory, 'job.sock'), join(directory, 'heap')]
let gateway: Gateway
let engine: RecordingProxy

before(async () => {
  engine = await recordingProxy((await sharedEngine('28.5')).socket)
  gateway = await startGateway({
    engineSocket: engine.socket, config: { controlGroups: 'off' },
    env: { NODE_OPTIONS: `--import=${join(root, 'test/setup/heap-report.ts')}`, MOORAGE_TEST_HEAP: heapFile },
  })
  await gateway.open('--unix', path)
})
after(async () => {
  await gateway.moorage(['close', '--all'])
  await gateway.stop()
  engine.stop()
  rmSync(directory, { recursive: true })
})

const descriptors = () => readdirSync(`/proc/${gateway.pid}/fd`).length

/** Bytes in use after garbage was collected, as the gateway's process counts them. */
async function heap(): Promise<number> {
  rmSync(heapFile, { force: true })
  process.kill(gateway.pid, 'SIGUSR2')
  const written = () => { try { return readFileSync(heapFile, 'utf8') } catch { return '' } }
  await until(() => written() !== '', 'the gateway tells its heap')
  return Number(written())
}

const sessionHead = () => ({
  'x-docker-expose-session-uuid': buildId(), 'x-docker-expose-session-name': 'x', 'x-docker-expose-session-sharedkey': '', 'x-docker-expose-session-grpc-method': '/x.Y/Z',
})

/** Connections that say something and then end in every way there is. */
async function comeAndGo(count: number, open: () => Promise<Duplex>, says: () => Uint8Array | string): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: count }, open))
  for (const [index, socket] of sockets.entries()) {
    socket.on('error', () => {}).resume()
    socket.write(says())
    // One ends its side, one is gone at once, and one says nothing any more until all go.
    if (index % 3 === 0) socket.end()
    if (index % 3 === 1) socket.destroy()
  }
  await new Promise((resolve) => setImmediate(resolve))
  for (const socket of sockets) socket.destroy()
}

const plain = async (): Promise<Socket> => connect({ path })
const large = Buffer.concat([Buffer.from([0]), uint32(15 * MiB), Buffer.alloc(64 * 1024)])

const rounds: Record<string, () => Promise<void>> = {
  async 'floods of frames'() { for (const [, frames, enough] of floods(2_000)) await attack(path, frames(), enough) },
  'giant messages': () => comeAndGo(12, () => upgraded(path, '/grpc'), () => Buffer.concat([hello, callFrame(1, `${control}/Solve`), ...Array.from({ length: 4 }, (_, at) => frame(types.data, 0, 1, large.subarray(at * 16_000, (at + 1) * 16_000)))])),
  'malformed frames': () => comeAndGo(30, () => upgraded(path, '/grpc'), () => Buffer.concat([hello, callFrame(1, `${control}/Session`, sessionHead()), frame(types.data, 0, 1, Buffer.from([0, 0, 0, 0, 2, 0xff, 0xff])), frame(types.data, flags.endStream, 0)])),
  'calls that wait': () => comeAndGo(30, () => upgraded(path, '/grpc'), () => Buffer.concat([hello, ...Array.from({ length: 20 }, (_, at) => callFrame(1 + 2 * at, `${control}/Status`))])),
  'half of HTTP/2': () => comeAndGo(30, () => upgraded(path, '/grpc'), () => hello.subarray(0, 10)),
  'sessions': () => comeAndGo(30, () => upgraded(path, '/session', sessionHead()), () => hello),
  'sessions in messages': () => comeAndGo(30, () => upgraded(path, '/grpc'), () => Buffer.concat([hello, callFrame(1, `${control}/Session`, sessionHead())])),
  'half of a request': () => comeAndGo(60, plain, () => 'POST /session HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgr'),
}

async function everything(): Promise<void> {
  for (const [what, round] of Object.entries(rounds)) await round().catch((error) => { throw new Error(what, { cause: error }) })
  await until(() => heldConnections(path) === 0, 'all connections are let go')
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

describe('floods on /grpc and /session', () => {
  it('leave neither memory nor descriptors behind, however often they come', async (t) => {
    const { pid } = gateway
    for (let warm = 0; warm < 3; warm++) await everything()
    const seen: { heap: number; resident: number; descriptors: number; upstream: number }[] = []
    for (let round = 0; round < 6; round++) {
      await everything()
      await until(() => engine.connections() <= 10, 'the engine is let go')
      seen.push({ heap: await heap(), resident: residentBytes(gateway.pid), descriptors: descriptors(), upstream: engine.connections() })
    }
    t.diagnostic(seen.map((one) => `${(one.heap / MiB).toFixed(1)} of ${(one.resident / MiB).toFixed(0)} MiB, ${one.descriptors}`).join('; '))
    const grown = (what: keyof typeof seen[number]) => median(seen.slice(3).map((one) => one[what])) - median(seen.slice(0, 3).map((one) => one[what]))
    // In three rounds there are some thousand calls and hundreds of connections.
    assert.ok(grown('heap') < 2 * MiB, `the heap grows by ${grown('heap')} bytes`)
    assert.ok(grown('resident') < 64 * MiB, `the process grows by ${grown('resident')} bytes`)
    assert.ok(grown('descriptors') <= 5, `${grown('descriptors')} descriptors are left`)
    assert.equal(gateway.pid, pid)
    assert.doesNotMatch(gateway.log(), /by a defect/)
  })
})

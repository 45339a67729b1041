import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { after, describe, it } from 'node:test'
import { plainAddress, type Relay, type Target } from '../../../infra/ports/target.ts'
import { relayTcp } from '../../../infra/ports/tcp.ts'
import { relayUdp } from '../../../infra/ports/udp.ts'
import { until } from '../../setup/processes.ts'

const closing: (() => void)[] = []
after(() => closing.forEach((close) => close()))

async function serving(onConnection: (socket: Socket) => void): Promise<Target> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => onConnection(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  const { port } = server.address() as AddressInfo
  return () => ({ host: '127.0.0.1', port })
}

async function tcp(target: Target, admit: (address: string) => boolean | Promise<boolean> = () => true): Promise<Relay> {
  const relay = await relayTcp({ address: '127.0.0.1', port: 0, target, admit })
  closing.push(relay.close)
  return relay
}

const dial = ({ port }: Relay) => connect({ port, host: '127.0.0.1', allowHalfOpen: true })

/** All that comes until the end; unlike those of node:stream/consumers it leaves the other direction open. */
async function all(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'end')
  return Buffer.concat(chunks)
}

const text = async (socket: Socket) => (await all(socket)).toString()

/** How a connection that is not served ends: the code of its error. */
async function lost(socket: Socket): Promise<string> {
  const [error] = await once(socket, 'error') as [NodeJS.ErrnoException]
  return String(error.code)
}

describe('a TCP relay', () => {
  it('passes megabytes both ways at once, unchanged, to a reader that is slower than the writer', async () => {
    const sent = Buffer.alloc(20_000_000, 'moorage ports ')
    const relay = await tcp(await serving((socket) => { socket.pipe(socket) }))
    const client = dial(relay)
    client.write(sent)
    client.end()
    assert.ok((await all(client)).equals(sent))
  })

  it('hands on the end of the request while the answer still comes', async () => {
    const relay = await tcp(await serving((socket) => { void text(socket).then((request) => socket.end(`got ${request}`)) }))
    const client = dial(relay)
    client.end('all')
    assert.equal(await text(client), 'got all')
  })

  it('hands on the end of the answer while the request still comes', async () => {
    let received = ''
    const relay = await tcp(await serving((socket) => { socket.setEncoding('utf8').on('data', (data) => { received += data }); socket.end('bye') }))
    const client = dial(relay)
    assert.equal(await text(client), 'bye')
    client.end('late')
    await until(() => received === 'late', 'the rest of the request arrives')
  })

  it('resets the other side when one is lost', async () => {
    const relay = await tcp(await serving((socket) => { socket.once('data', () => socket.resetAndDestroy()) }))
    const client = dial(relay)
    client.write('x')
    assert.equal(await lost(client), 'ECONNRESET')

    let ended = ''
    const other = await tcp(await serving((socket) => { socket.resume().on('close', () => { ended = 'closed' }) }))
    const leaving = dial(other)
    await once(leaving, 'connect')
    leaving.write('x')
    leaving.resetAndDestroy()
    await until(() => ended !== '', 'the target sees the loss')
  })

  it('resets who is not admitted, and who comes when nothing is behind it', async () => {
    const target = await serving((socket) => socket.end('secret'))
    assert.equal(await lost(dial(await tcp(target, () => false))), 'ECONNRESET')
    assert.equal(await lost(dial(await tcp(target, async () => false))), 'ECONNRESET')
    assert.equal(await lost(dial(await tcp(target, () => Promise.reject(new Error('store away'))))), 'ECONNRESET')
    assert.equal(await lost(dial(await tcp(() => undefined))), 'ECONNRESET')
    assert.equal(await lost(dial(await tcp(() => ({ host: '127.0.0.1', port: 1 })))), 'ECONNRESET')
    assert.equal(await text(dial(await tcp(target, async (address) => address === 'loopback'))), 'secret')
  })

  it('cuts its connections when it is closed, and listens no more', async () => {
    const relay = await tcp(await serving((socket) => { socket.write('hello') }))
    const client = dial(relay)
    await once(client, 'data')
    const end = lost(client)
    relay.close()
    assert.equal(await end, 'ECONNRESET')
    assert.equal(await lost(dial(relay)), 'ECONNREFUSED')
  })

  it('says so when the port is in use', async () => {
    const { port } = await tcp(() => undefined)
    await assert.rejects(relayTcp({ address: '127.0.0.1', port, target: () => undefined, admit: () => true }), { code: 'EADDRINUSE' })
  })
})

describe('a UDP relay', () => {
  /** Answers each datagram with what it said and the port it came from. */
  async function echo(): Promise<Target> {
    const socket = createSocket('udp4')
    socket.on('message', (data, from) => socket.send(`${data} from ${from.port}`, from.port, from.address))
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    closing.push(() => socket.close())
    const { port } = socket.address()
    return () => ({ host: '127.0.0.1', port })
  }

  async function udp(target: Target, admit: (address: string) => boolean | Promise<boolean> = () => true): Promise<Relay> {
    const relay = await relayUdp({ address: '127.0.0.1', port: 0, target, admit })
    closing.push(relay.close)
    return relay
  }

  /** A peer that repeats its datagram until it is answered. */
  async function ask(relay: Relay, words: string): Promise<string> {
    const socket = createSocket('udp4')
    const answered = once(socket, 'message') as Promise<[Buffer]>
    const repeat = setInterval(() => socket.send(words, relay.port, '127.0.0.1'), 50)
    const [answer] = await answered
    clearInterval(repeat)
    socket.close()
    return answer.toString()
  }

  it('brings each peer its own answers, through a socket of its own', async () => {
    const relay = await udp(await echo())
    const [one, two] = await Promise.all([ask(relay, 'one'), ask(relay, 'two')])
    assert.match(one, /^one from \d+$/)
    assert.match(two, /^two from \d+$/)
    assert.notEqual(one.split(' ').at(-1), two.split(' ').at(-1))
  })

  it('asks anew where its target is', async () => {
    const targets = [await echo(), await echo()]
    let at = 0
    const relay = await udp(() => targets[at]!())
    assert.match(await ask(relay, 'first'), /^first/)
    at = 1
    assert.match(await ask(relay, 'second'), /^second/)
  })

  it('drops datagrams of who is not admitted', async () => {
    const target = await echo()
    let asked = 0
    const relay = await udp(target, () => asked++ >= 3)
    assert.match(await ask(relay, 'again'), /^again/)
    assert.ok(asked > 3)
    const patient = await udp(target, async () => asked > 0)
    assert.match(await ask(patient, 'later'), /^later/)
  })
})

it('An address is compared in one form: loopback is one place, IPv4 is not written as IPv6, zones are left out', () => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '::FFFF:127.0.0.1']) assert.equal(plainAddress(address), 'loopback')
  assert.equal(plainAddress('::ffff:10.0.0.1'), '10.0.0.1')
  assert.equal(plainAddress('10.0.0.1'), '10.0.0.1')
  assert.equal(plainAddress('fe80::1%eth0'), 'fe80::1')
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { until } from '../setup/processes.ts'
import { openArena, type Arena } from './arena.ts'

/**
 * Bytes that two HTTP parsers could read differently, sent as they are. In each a request is hidden that would be a second one, or part of
 * the first, depending on who reads it: the engine never gets a byte of it, and the client always gets an answer or a closed connection.
 */

let arena: Arena
let own: string
before(async () => {
  arena = await openArena()
  own = await arena.container(arena.attacker, { Cmd: ['cat'], OpenStdin: true }, { name: 'own', start: true })
})
after(() => arena.stop())

const mark = 'SMUGGLED'
const hidden = `POST /containers/prune?${mark}=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`
const create = (...headers: string[]) => ['POST /containers/create HTTP/1.1', 'Host: x', 'Content-Type: application/json', ...headers, '', ''].join('\r\n')
const ping = (...headers: string[]) => ['GET /_ping HTTP/1.1', ...headers, '', ''].join('\r\n')
const chunked = create('Transfer-Encoding: chunked')

/** Sends bytes and waits until an answer has come, or the connection was closed. */
async function sent(path: string, bytes: string | Buffer): Promise<{ statuses: number[]; closed: boolean }> {
  const socket = connect({ path, allowHalfOpen: true })
  let text = ''
  let closed = false
  socket.on('data', (piece: Buffer) => { text += piece.toString('latin1') }).on('error', () => { closed = true }).on('end', () => { closed = true })
  await once(socket, 'connect')
  socket.write(bytes)
  await until(() => closed || /HTTP\/1\.\d [2-5]\d\d /.test(text), 'an answer or the end', 60_000)
  // A request behind the first is answered on the same connection: an own ping is sent last and tells that all before it has been read.
  socket.write('GET /_ping?last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  await until(() => closed, 'the connection ends after a request that asks for it', 60_000)
  socket.destroy()
  return { statuses: [...text.matchAll(/HTTP\/1\.\d (\d+) /g)].map((match) => Number(match[1])), closed }
}

/** First status of the gateway; the number of answers may differ, as parsers give up at different places. */
const refusedByBoth: Record<string, string | Buffer> = {
  'a second length that differs': create('Content-Length: 2', 'Content-Length: 40') + `{}${hidden}`,
  'a list of lengths': create('Content-Length: 2, 2') + `{}${hidden}`,
  'a signed length': create('Content-Length: +2') + `{}${hidden}`,
  'a negative length': create('Content-Length: -2') + `{}${hidden}`,
  'a length beyond 64 bits': create('Content-Length: 99999999999999999999') + `{}${hidden}`,
  'two transfer codings': create('Transfer-Encoding: chunked', 'Transfer-Encoding: identity') + `0\r\n\r\n${hidden}`,
  'an unknown transfer coding': create('Transfer-Encoding: xchunked') + `0\r\n\r\n${hidden}`,
  'a space before a colon': create('Transfer-Encoding : chunked') + `0\r\n\r\n${hidden}`,
  'a lone CR in a header': ping('Host: x', `X-A: b\rX-B: c`) + hidden,
  'a chunk extension with a line break': `${chunked}2;a\nb\r\n{}\r\n0\r\n\r\n${hidden}`,
  'a chunk size beyond 64 bits': `${chunked}FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n${hidden}`,
  'a negative chunk size': `${chunked}-2\r\n{}\r\n0\r\n\r\n${hidden}`,
  'a chunk longer than its size': `${chunked}2\r\n{}XX0\r\n\r\n${hidden}`,
  'a NUL in a header': ping('Host: x', 'X-A: a\0b') + hidden,
  'a NUL in the target': `GET /_ping\0 HTTP/1.1\r\nHost: x\r\n\r\n${hidden}`,
  'a space in the target': `GET /_ping x HTTP/1.1\r\nHost: x\r\n\r\n${hidden}`,
  'a tab in the target': `GET /_ping\tx HTTP/1.1\r\nHost: x\r\n\r\n${hidden}`,
}

/** What an engine takes and the gateway, stricter, does not. */
const refusedHere: Record<string, string | Buffer> = {
  'both framings': create('Content-Length: 4', 'Transfer-Encoding: chunked') + `0\r\n\r\n${hidden}`,
  'the same length twice': create('Content-Length: 2', 'Content-Length: 2') + `{}${hidden}`,
  'a folded header': ping('Host: x', 'X-A: b\r\n Transfer-Encoding: chunked') + hidden,
  'lines that end in LF alone': `GET /_ping HTTP/1.1\nHost: x\n\n${hidden}`,
  'one header that ends in LF alone': ping('Host: x', 'X-A: b\nX-B: c') + hidden,
  'a length in a trailer': `${chunked}2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n${hidden}`,
  'bytes that are no UTF-8 in the target': Buffer.from(`GET /containers/\xff\xfe/json HTTP/1.1\r\nHost: x\r\n\r\n${hidden}`, 'latin1'),
}

for (const [who, cases] of Object.entries({ 'and by an engine': refusedByBoth, 'though an engine takes it': refusedHere })) {
  describe(`refused here ${who}`, () => {
    for (const [what, bytes] of Object.entries(cases)) {
      it(what, async () => {
        const { result, requests } = await arena.recorded(() => sent(arena.attacker.socket, bytes))
        assert.deepEqual(result.statuses, [400])
        assert.deepEqual(requests, [])
        const { statuses } = await sent(arena.engine.socket, bytes)
        if (cases === refusedByBoth) assert.ok(statuses[0]! >= 400, `${statuses}`)
        // The hidden request, or the one it is hidden in, was read there.
        else assert.ok(statuses.length > 1, `${statuses}`)
      })
    }
  })
}

/** Read in the same way by both: a hidden request is one behind the first, of the same client, and as such allowed; or part of a body. */
const understood: Record<string, { bytes: string; statuses: number[] }> = {
  'a tab before the coding': { bytes: create('Transfer-Encoding:\tchunked') + '0\r\n\r\n', statuses: [400, 200] },
  'an absolute target': { bytes: 'GET http://engine/_ping HTTP/1.1\r\nHost: x\r\n\r\n', statuses: [200, 200] },
  'a chunk extension': { bytes: `${chunked}2;a=b\r\n{}\r\n0\r\n\r\n`, statuses: [400, 200] },
  'a trailer': { bytes: `${chunked}2\r\n{}\r\n0\r\nX-A: b\r\n\r\n`, statuses: [400, 200] },
  'a body of a GET': { bytes: `GET /_ping HTTP/1.1\r\nHost: x\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`, statuses: [200, 200] },
  'a body of a DELETE': { bytes: `DELETE /containers/none HTTP/1.1\r\nHost: x\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`, statuses: [404, 200] },
  'an encoded line break in a query': { bytes: `GET /containers/json?filters=%0d%0a%0d%0a${encodeURIComponent(hidden)} HTTP/1.1\r\nHost: x\r\n\r\n`, statuses: [400, 200] },
  'several requests at once': { bytes: ping('Host: x').repeat(3), statuses: [200, 200, 200, 200] },
}

describe('understood here as by an engine', () => {
  for (const [what, { bytes, statuses }] of Object.entries(understood)) {
    it(what, async () => {
      const { result, requests } = await arena.recorded(() => sent(arena.attacker.socket, bytes))
      assert.deepEqual(result.statuses, statuses)
      assert.deepEqual(requests, [])
      assert.deepEqual((await sent(arena.engine.socket, bytes)).statuses, statuses)
    })
  }

  it('a client that waits to be asked for its body', async () => {
    const socket = connect({ path: arena.attacker.socket })
    let text = ''
    socket.on('data', (piece: Buffer) => { text += piece.toString() })
    socket.write(create('Expect: 100-continue', 'Content-Length: 19'))
    await until(() => text.startsWith('HTTP/1.1 100 '), 'the gateway asks for the body', 60_000)
    socket.write('{"Image":"busybox"}')
    await until(() => text.includes('HTTP/1.1 201 '), 'the container is made', 60_000)
    socket.destroy()
  })
})

describe('headers', () => {
  it('of a client reach the engine never, only the gateway\'s own', async () => {
    const headers = { 'x-forwarded-for': mark, cookie: mark, authorization: `Basic ${mark}`, te: 'trailers', 'x-registry-auth': Buffer.from(JSON.stringify({ username: mark })).toString('base64'), 'content-type': 'application/json', [`x-${mark}`]: mark, connection: `close, x-${mark}` }
    const { requests } = await arena.recorded(() => arena.attacker.ask({ target: '/containers/json', headers }))
    assert.equal(requests.length, 1)
    assert.deepEqual(Object.keys(requests[0]!.headers).toSorted().filter((name) => name !== 'traceparent'), ['connection', 'host'])
    assert.ok(!JSON.stringify(requests[0]).includes(mark))
  })
})

describe('after an upgrade', () => {
  const attach = `POST /containers/own/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`

  it('everything is input of the container, a request too, and nothing of it is a request to the engine', async () => {
    const socket = connect({ path: arena.attacker.socket, allowHalfOpen: true })
    let text = ''
    socket.on('data', (piece: Buffer) => { text += piece.toString('latin1') })
    const { requests } = await arena.recorded(async () => {
      socket.write(attach + hidden)
      // `cat` says it back.
      await until(() => text.includes(mark), 'the container has it', 60_000)
    })
    assert.match(text, /^HTTP\/1\.1 101 UPGRADED\r\n/)
    assert.deepEqual(requests.map(({ method, path }) => `${method} ${path.replace(/^\/v[\d.]+/, '').split('?', 1)[0]}`), [`POST /containers/${own}/attach`])
    socket.destroy()
  })

  it('to another job\'s container, what follows goes nowhere', async () => {
    const foreign = await arena.container(arena.victim, { Cmd: ['cat'], OpenStdin: true }, { start: true })
    const bytes = attach.replace('own', foreign) + hidden
    const { result, requests } = await arena.recorded(() => sent(arena.attacker.socket, bytes))
    assert.deepEqual(result.statuses, [404])
    assert.deepEqual(requests, [])
    const there = connect({ path: arena.engine.socket })
    there.write(attach.replace('own', foreign))
    assert.match(String((await once(there, 'data'))[0]), /^HTTP\/1\.1 101 /)
    there.destroy()
  })

  it('without the header that asks for it, the same is no upgrade', async () => {
    const bytes = attach.replace('Connection: Upgrade\r\n', '').replace('Upgrade: tcp', 'Upgrade: tcp\r\nContent-Length: 0').replace('stdin=1&', '')
    const socket = connect({ path: arena.attacker.socket, allowHalfOpen: true })
    let text = ''
    socket.on('data', (piece: Buffer) => { text += piece.toString('latin1') })
    const { requests } = await arena.recorded(async () => {
      socket.write(bytes + hidden)
      await until(() => text.includes('\r\n\r\n'), 'an answer', 60_000)
    })
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
    // What is behind it is a request of the client's own, and as such looked at; as it stands it goes nowhere.
    assert.ok(!JSON.stringify(requests).includes(mark))
    socket.destroy()
  })

  it('that is asked for by half, a session is refused, not served on a connection that was not upgraded', async () => {
    for (const line of ['POST /session', 'POST /grpc']) {
      const bytes = `${line} HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nX-Docker-Expose-Session-Uuid: half${process.pid}\r\nX-Docker-Expose-Session-Name: x\r\nContent-Length: 0\r\n\r\n`
      const { result, requests } = await arena.recorded(() => sent(arena.attacker.socket, bytes))
      assert.deepEqual(result.statuses, [400], line)
      // The gateway has its own channel to BuildKit ready before it looks at the client's.
      assert.deepEqual(requests.filter(({ path }) => path !== '/grpc'), [])
      const there = connect({ path: arena.engine.socket })
      there.write(bytes)
      assert.match(String((await once(there, 'data'))[0]), /^HTTP\/1\.1 101 /)
      there.destroy()
    }
  })

  it('on a path that has none, the client gets the plain answer and the end of the connection', async () => {
    for (const line of ['GET /_ping', 'GET /containers/json', 'POST /containers/create', 'PUT /containers/own/archive?path=/', 'GET /containers/own/attach/ws', 'GET /nowhere']) {
      const { result, requests } = await arena.recorded(() => sent(arena.attacker.socket, `${line} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n${hidden}`))
      assert.equal(result.statuses.length, 1, `${line}: ${result.statuses}`)
      assert.notEqual(result.statuses[0], 101)
      assert.ok(!requests.some((request) => request.path.includes('prune') || request.headers['upgrade'] !== undefined))
    }
  })
})

describe('a connection that says nothing, or stops in the middle', () => {
  it('takes nothing from the engine', async () => {
    const { requests } = await arena.recorded(async () => {
      for (const bytes of ['', 'GET /containers/json HTTP/1.1\r\nHos', create('Content-Length: 100') + '{"Image"', `${chunked}FF\r\n{"Ima`]) {
        const socket = connect({ path: arena.attacker.socket })
        socket.on('error', () => {}).resume()
        await once(socket, 'connect')
        socket.end(bytes)
        await once(socket, 'close')
      }
    })
    assert.deepEqual(requests, [])
  })
})

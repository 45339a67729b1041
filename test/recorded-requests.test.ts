import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestReader, type RecordedRequest } from './setup/recorded-requests.ts'

const bytes = Buffer.from([
  'GET /_ping?a=b HTTP/1.1\r\nHost: docker\r\n\r\n',
  'POST /create HTTP/1.1\r\nContent-Length: 5\r\nX-Twice: 1\r\nx-twice: 2\r\n\r\n12345',
  'POST /load HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;note=x\r\nabc\r\n0a\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n',
  'POST /exec/1/start HTTP/1.1\r\nUpgrade: tcp\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n\r\n',
].join(''))

function read(pieces: Iterable<Uint8Array>): RecordedRequest[] {
  const requests: RecordedRequest[] = []
  const reader = requestReader((request) => requests.push(request))
  for (const piece of pieces) reader(piece)
  return requests
}

test('requests on one connection are told apart by their framing', () => {
  assert.deepEqual(read([bytes]).map(({ method, path, body }) => [method, path, String(body)]), [
    ['GET', '/_ping?a=b', ''],
    ['POST', '/create', '12345'],
    ['POST', '/load', 'abc0123456789'],
    ['POST', '/exec/1/start', '{}GET / HTTP/1.1\r\n\r\n'],
  ])
  assert.deepEqual(read([bytes])[1]?.headers, { 'content-length': '5', 'x-twice': '2' })
})

test('the pieces in which bytes arrive make no difference', () => {
  assert.deepEqual(read(Array.from(bytes, (byte) => Uint8Array.of(byte))), read([bytes]))
})

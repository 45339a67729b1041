/** HTTP/2 frames as bytes (RFC 9113), for connections that no client library would make. */

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export const types = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4, push: 5, ping: 6, goaway: 7, window: 8, continuation: 9 } as const
export const flags = { endStream: 1, ack: 1, endHeaders: 4 } as const

export function frame(type: number, flag: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flag
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Header fields without any compression (RFC 7541 6.2.2); names and values up to 126 bytes. */
export function fields(list: Readonly<Record<string, string>>): Buffer {
  const texts = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
  return Buffer.concat(Object.entries(list).flatMap(([name, value]) => [Buffer.from([0]), texts(name), texts(value)]))
}

/** The start of a gRPC call. */
export function callFrame(stream: number, method: string, more: Readonly<Record<string, string>> = {}): Buffer {
  return frame(types.headers, flags.endHeaders, stream, fields({
    ':method': 'POST', ':scheme': 'http', ':path': `/${method}`, ':authority': 'x', te: 'trailers', 'content-type': 'application/grpc', ...more,
  }))
}

/** What a client says first. */
export const hello = Buffer.concat([preface, frame(types.settings, 0, 0)])

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A request as it arrived. */
export interface RecordedRequest {
  method: string
  /** With the query. */
  path: string
  /** By lower-case name; of several, the last. */
  headers: Record<string, string>
  /** As framed by Content-Length or chunks, decoded; after an Upgrade, all that followed on the connection. */
  body: Buffer
}

type Step = 'head' | 'length' | 'chunk-size' | 'chunk' | 'trailer' | 'rest'

/** Reads one connection's bytes (RFC 9112), in pieces as they come; each request is added when its head is there and its body grows. */
export function requestReader(add: (request: RecordedRequest) => void): (piece: Uint8Array) => void {
  let buffer = Buffer.alloc(0)
  let step: Step = 'head'
  let left = 0
  let current: RecordedRequest
  const line = (end: string): string | undefined => {
    const at = buffer.indexOf(end)
    if (at < 0) return undefined
    const text = buffer.toString('latin1', 0, at)
    buffer = buffer.subarray(at + end.length)
    return text
  }
  const body = (length: number) => {
    current.body = Buffer.concat([current.body, buffer.subarray(0, length)])
    left -= Math.min(length, buffer.length)
    buffer = buffer.subarray(length)
  }
  /** Each takes what it can and answers the next step, or undefined when more bytes are needed. */
  const steps: Record<Step, () => Step | undefined> = {
    head() {
      const text = line('\r\n\r\n')
      if (text === undefined) return undefined
      current = parseHead(text)
      add(current)
      left = Number(current.headers['content-length'] ?? 0)
      if (current.headers['upgrade']) return 'rest'
      return /chunked/i.test(current.headers['transfer-encoding'] ?? '') ? 'chunk-size' : 'length'
    },
    length() {
      body(left)
      return left > 0 ? undefined : 'head'
    },
    'chunk-size'() {
      const text = line('\r\n')
      if (text === undefined) return undefined
      left = Number.parseInt(text, 16)
      return left > 0 ? 'chunk' : 'trailer'
    },
    chunk() {
      body(left)
      if (left > 0 || buffer.length < 2) return undefined
      buffer = buffer.subarray(2)
      return 'chunk-size'
    },
    trailer() {
      const text = line('\r\n')
      return text === undefined ? undefined : text === '' ? 'head' : 'trailer'
    },
    rest() {
      body(buffer.length)
      return undefined
    },
  }
  return (piece) => {
    buffer = Buffer.concat([buffer, piece])
    for (let next: Step | undefined = step; next; next = steps[step]()) step = next
  }
}

function parseHead(text: string): RecordedRequest {
  const [first = '', ...lines] = text.split('\r\n')
  const [method = '', path = ''] = first.split(' ')
  const headers = lines.map((one) => [one.slice(0, one.indexOf(':')).toLowerCase(), one.slice(one.indexOf(':') + 1).trim()])
  return { method, path, headers: Object.fromEntries(headers), body: Buffer.alloc(0) }
}

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requestReader, type RecordedRequest } from './recorded-requests.ts'

/** Stands in front of an engine and remembers what it was asked. */
export interface RecordingProxy {
  /** Path of the unix socket to use in place of the engine's. */
  socket: string
  /** What has arrived, in order. */
  requests: RecordedRequest[]
  /** Every byte that has arrived, connection after connection. */
  raw(): Buffer
  /** Connections that are open towards the engine. */
  connections(): number
  /** The latest request of each of them: also one that is answered, until the next comes. */
  open(): RecordedRequest[]
  /** The same for those whose client has not ended its side: what engines still work on for nobody is not among them. */
  asked(): RecordedRequest[]
  /** Forgets what has arrived. */
  clear(): void
  stop(): void
}

/** Relays byte for byte, each direction ending by itself, so that hijacked streams pass as they are. */
export async function recordingProxy(target: string): Promise<RecordingProxy> {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-record-'))
  const socket = join(directory, 'docker.sock')
  const requests: RecordedRequest[] = []
  const pieces = new Map<Socket, Buffer[]>()
  const open = new Map<Socket, RecordedRequest | undefined>()
  const left = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const read = requestReader((request) => {
      requests.push(request)
      open.set(engine, request)
    })
    const mine: Buffer[] = []
    pieces.set(client, mine)
    const engine = createConnection({ path: target, allowHalfOpen: true })
    open.set(engine, undefined)
    client.on('data', (piece: Buffer) => {
      mine.push(piece)
      read(piece)
    })
    for (const [from, to] of [[client, engine], [engine, client]] as const) {
      from.on('error', () => to.destroy()).on('close', () => from.readableEnded || to.destroy()).pipe(to)
    }
    for (const event of ['end', 'close']) client.on(event, () => { if (open.has(engine)) left.add(engine) })
    engine.on('close', () => {
      open.delete(engine)
      left.delete(engine)
    })
  })
  server.listen(socket)
  await once(server, 'listening')
  return {
    socket, requests,
    raw: () => Buffer.concat([...pieces.values()].flat()),
    connections: () => open.size,
    open: () => [...open.values()].filter((request) => request !== undefined),
    asked: () => [...open].flatMap(([engine, request]) => request === undefined || left.has(engine) ? [] : [request]),
    clear() {
      requests.length = 0
      for (const mine of pieces.values()) mine.length = 0
    },
    stop() {
      server.close()
      for (const one of [...open.keys(), ...pieces.keys()]) one.destroy()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

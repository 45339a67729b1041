import { chmodSync, rmSync } from 'node:fs'
import { createServer as createHttp, type IncomingMessage, ServerResponse, type Server, type ServerOptions } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { getRequestListener } from '@hono/node-server'
import type { Entry } from '../../functions/entry.ts'
import type { Connection } from '../../lib/engine.ts'
import { Refusal } from '../../lib/refusal.ts'
import { namespaceOfCertificate } from '../certificates.ts'
import { nodeConnection, type Reach } from './connection.ts'
import { farewell } from './farewell.ts'
import type { Upgrade } from './hijack.ts'
import type { Connections } from './connections.ts'

/** What a listener hands every request to: the app with its environment. */
export interface App {
  fetch(request: Request, entry: Entry): Response | Promise<Response>
  /** May a row hijack the connection of this request? Decides only whether Node keeps it upgradable, never whether it is allowed. */
  mayHijack(method: string, target: string): boolean
}

/** Who is on the other end of a socket: the namespace of its certificate or of the unix socket it came through. */
type Identify = (socket: Socket) => string | undefined

const limits: ServerOptions = {
  // Uploads and idle streams last as long as a job likes; a slow head does not.
  requestTimeout: 0,
  headersTimeout: 60_000,
  keepAliveTimeout: 600_000,
  // X-Registry-Config carries one credential per registry.
  maxHeaderSize: 256 * 1024,
  requireHostHeader: false,
  noDelay: true,
  // A client that died without a word is noticed once its machine says so.
  keepAlive: true,
  keepAliveInitialDelay: 15_000,
}

export interface TlsMaterial {
  ca: string
  cert: string
  key: string
}

/** An HTTPS listener whose callers are named by their client certificates. Callers without one reach only what needs a token. */
export function listenTls(app: App, reach: Reach, open: Connections, tls: TlsMaterial): Server {
  const known = new WeakMap<Socket, { ns: string | undefined }>()
  const identify: Identify = (socket) => {
    const seen = known.get(socket)
    if (seen) return seen.ns
    const peer = socket as TLSSocket
    const ns = peer.authorized ? namespaceOfCertificate(peer.getPeerCertificate()) : undefined
    known.set(socket, { ns })
    if (ns !== undefined) open.add(ns, socket)
    return ns
  }
  const server = createHttps({
    ...limits, ...tls, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'],
    allowHalfOpen: true, shouldUpgradeCallback: upgradable(app),
  } as Parameters<typeof createHttps>[0])
  server.on('secureConnection', identify)
  return attend(server, app, reach, identify)
}

/** A unix socket that belongs to one namespace, readable and writable by its owner only unless `mode` says otherwise. */
export function listenSocket(app: App, reach: Reach, open: Pick<Connections, 'add'>, ns: string, path: string, mode = 0o600): Promise<Server> {
  rmSync(path, { force: true })
  const server = attend(createHttp({ ...limits, shouldUpgradeCallback: upgradable(app) } as ServerOptions), app, reach, () => ns)
  server.on('connection', (socket) => open.add(ns, socket))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // A umask instead of a later chmod: the socket is never open to others.
    const umask = process.umask(0o177)
    server.listen(path, () => { chmodSync(path, mode); resolve(server) })
    process.umask(umask)
  })
}

function upgradable(app: App): (request: IncomingMessage) => boolean {
  return (request) => /\bupgrade\b/i.test(request.headers.connection ?? '') && app.mayHijack(request.method ?? '', request.url ?? '')
}

function attend(server: Server, app: App, reach: Reach, identify: Identify): Server {
  const entries = new WeakMap<object, Entry>()
  const listener = getRequestListener(async (request, { incoming }) => app.fetch(request, entries.get(incoming)!), {
    // It would cut the connections of clients that still send what has been refused, and listen only after that. Node drops such bodies by itself.
    autoCleanupIncoming: false,
  })
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse, upgrade?: Upgrade): void => {
    // The raw target is routed by the app; node-server would parse it by other rules than the engine's.
    const target = incoming.url ?? '/'
    incoming.url = '/'
    incoming.headers.host = 'moorage'
    // Node loses what a client sends behind an upgrade that is not taken: the client is told to begin anew.
    if (incoming.headers.upgrade !== undefined && upgrade === undefined) outgoing.shouldKeepAlive = false
    const namespace = identify(incoming.socket)
    reach.spoke(incoming.socket)
    // The connection is made here and not on demand, so that a client that leaves early is noticed.
    const connection: Connection = nodeConnection(incoming, outgoing, upgrade, reach)
    entries.set(incoming, { target, namespace, connection })
    void listener(incoming, outgoing)
  }
  server.on('request', handle)
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const outgoing = new ServerResponse(incoming)
    outgoing.shouldKeepAlive = false
    outgoing.assignSocket(socket as Socket)
    outgoing.on('finish', () => farewell(socket))
    handle(incoming, outgoing, { socket, head })
  })
  server.on('clientError', answerMalformed)
  // A connection that could not be accepted, for want of file descriptors: others are served on.
  server.on('error', () => {})
  return server
}

/** Connections that are told the end: what still comes on them is malformed once more, piece by piece. */
const leaving = new WeakSet<Socket>()

/** Requests that Node could not parse get the engine's kind of error and a closed connection. */
function answerMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code !== 'ECONNRESET' && leaving.has(socket)) return
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  leaving.add(socket)
  const refusal = error.code === 'HPE_HEADER_OVERFLOW'
    ? new Refusal(431, 'the request head is larger than the gateway reads; send fewer or shorter headers')
    : new Refusal(400, 'malformed HTTP request')
  const body = `${JSON.stringify({ message: refusal.message })}\n`
  const status = refusal.status === 431 ? '431 Request Header Fields Too Large' : '400 Bad Request'
  socket.write(`HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
  farewell(socket)
}


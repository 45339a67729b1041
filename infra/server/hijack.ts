import { request as httpRequest, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect as netConnect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import type { Duplex, Readable, Writable } from 'node:stream'
import type { EngineAnswer, EngineRequest, ShapeHead } from '../../lib/engine.ts'
import { readAll } from '../../lib/lines.ts'
import { headOf, wire } from '../../lib/wire.ts'
import { unreachable, type EngineAddress, type EngineClient } from '../hosts/client.ts'

/** What Node hands over on an upgrade: the stream of the connection, and bytes that came behind the request. */
export interface Upgrade {
  socket: Duplex
  head: Buffer
}

/** The client's side of a hijack: a socket after an upgrade, or a plain request whose answer stays open. */
export type ClientEnd =
  | ({ kind: 'socket'; outgoing: ServerResponse } & Upgrade)
  | { kind: 'request'; incoming: IncomingMessage; outgoing: ServerResponse }

/**
 * Opens a hijacked connection on the engine and ties it to the client's (moby, api/server/router/container postContainersAttach,
 * postContainerExecStart). Half-closes pass through on their own in both directions; when either side is lost the other is destroyed.
 * Resolves to the engine's answer when it refused, to undefined when the streams have ended.
 */
export function hijack(client: EngineClient, request: EngineRequest, shape: ShapeHead, end: ClientEnd, gone: AbortSignal, name: string): Promise<EngineAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const upstream = openUpgrade(client.address, request)
    const cancel = () => upstream.destroy()
    gone.addEventListener('abort', cancel, { once: true })
    upstream.on('error', (error) => reject(gone.aborted ? gone.reason : unreachable(name, error)))
    upstream.on('response', (response) => {
      readAll(response).then((text) => resolve({ ...headOf(response.statusCode ?? 502, response.headers), text }), reject)
    })
    upstream.on('upgrade', (response, socket, head) => {
      gone.removeEventListener('abort', cancel)
      if (head.length > 0) socket.unshift(head)
      tie(end, socket, shape(headOf(response.statusCode!, response.headers)), response.headers['content-type'])
        .then(() => resolve(undefined), reject)
    })
  })
}

function openUpgrade(address: EngineAddress, request: EngineRequest): ClientRequest {
  const { method, path, headers, body } = wire(request)
  const send = address.tls ? httpsRequest : httpRequest
  const upstream = send({
    method, path, createConnection: () => connectHalfOpen(address),
    headers: { host: 'engine', ...headers, connection: 'Upgrade', upgrade: 'tcp', 'content-length': Buffer.byteLength(body ?? '') },
  })
  upstream.end(body)
  return upstream
}

/** Half-open: a stdin that has ended must not take the output with it. */
function connectHalfOpen(address: EngineAddress): Socket {
  if (address.socketPath) return netConnect({ path: address.socketPath, allowHalfOpen: true })
  const target = { host: address.host!, port: address.port!, allowHalfOpen: true }
  return address.tls ? tlsConnect({ ...target, ...address.tls }) : netConnect(target)
}

async function tie(end: ClientEnd, engine: Duplex, head: ReturnType<ShapeHead>, contentType: string | undefined): Promise<void> {
  const type: Record<string, string> = contentType === undefined ? {} : { 'Content-Type': contentType }
  if (end.kind === 'socket') return tieSocket(end, engine, { ...type, ...head.headers })
  // Without an upgrade the engine answers 200 and raw bytes until the connection closes.
  end.outgoing.useChunkedEncodingByDefault = false
  end.outgoing.writeHead(200, { 'Content-Type': 'application/vnd.docker.raw-stream', ...head.headers })
  end.outgoing.flushHeaders()
  return pipeBoth(end.incoming, end.outgoing, engine)
}

function tieSocket(end: Extract<ClientEnd, { kind: 'socket' }>, engine: Duplex, headers: Record<string, string>): Promise<void> {
  const { socket, head, outgoing } = end
  outgoing.detachSocket(socket as Socket)
  if (head.length > 0) socket.unshift(head)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const done = pipeBoth(socket, socket, engine)
  socket.write(`HTTP/1.1 101 UPGRADED\r\n${lines}Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n`)
  return done
}

/** Moves bytes both ways until both directions have ended. Listeners for errors come before the first write. */
function pipeBoth(fromClient: Readable, toClient: Writable, engine: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const close = () => {
      fromClient.destroy()
      toClient.destroy()
      engine.destroy()
      resolve()
    }
    for (const stream of new Set<any>([fromClient, toClient, engine])) stream.on('error', close)
    toClient.on('close', close)
    engine.on('close', () => { if (!engine.readableEnded) close(); else resolve() })
    fromClient.pipe(engine)
    engine.pipe(toClient)
  })
}

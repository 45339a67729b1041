import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex, type Readable, type Writable } from 'node:stream'
import type { EngineAnswer, EngineRequest, ShapeHead } from '../../lib/engine.ts'
import type { EngineClient } from '../hosts/client.ts'
import { upgradeEngine } from '../hosts/upgrade.ts'
import { farewell } from './farewell.ts'
import { flow } from './flow.ts'

/**
 * Milliseconds between the head of an answer and the first output behind it. Clients that read heads through a buffer (docker-py) lose output
 * that arrives with one; an engine's is late by what it takes to open a log.
 */
const behindHead = 5

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
 * Resolves to the engine's answer when it refused, to undefined when the two are tied: nothing but them keeps an idle connection in memory then.
 */
export async function hijack(client: EngineClient, request: EngineRequest, shape: ShapeHead, end: ClientEnd, gone: AbortSignal, name: string): Promise<EngineAnswer | undefined> {
  const opened = await upgradeEngine(client, request, gone, name)
  if ('text' in opened) return opened
  await tie(end, opened.socket, shape(opened), opened.headers['content-type'], request.upgrade ?? 'tcp')
  return undefined
}

async function tie(end: ClientEnd, engine: Duplex, head: ReturnType<ShapeHead>, contentType: string | undefined, protocol: 'tcp' | 'h2c'): Promise<void> {
  const type: Record<string, string> = contentType === undefined ? {} : { 'Content-Type': contentType }
  if (end.kind === 'socket') {
    pipeBoth(end.socket, end.socket, engine, { halves: protocol === 'tcp' })
    return switchProtocols(end, protocol, { ...type, ...head.headers })
  }
  // Without an upgrade the engine answers 200 and raw bytes until the connection closes.
  end.outgoing.useChunkedEncodingByDefault = false
  end.outgoing.writeHead(200, { 'Content-Type': 'application/vnd.docker.raw-stream', ...head.headers })
  end.outgoing.flushHeaders()
  // With a length, what the client still says comes behind the request, where this kind of connection has no ear: that is no end of input.
  pipeBoth(end.incoming, end.outgoing, engine, { halves: true, inputEnds: end.incoming.headers['content-length'] === undefined })
}

/** Tells the client that its connection is its own now. Resolves when that has been written: HTTP/2 may start only then. */
export function switchProtocols({ socket, head, outgoing }: Upgrade & { outgoing: ServerResponse }, protocol: 'tcp' | 'h2c', headers: Record<string, string> = {}): Promise<void> {
  outgoing.detachSocket(socket as Socket)
  if (head.length > 0) socket.unshift(head)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return new Promise((resolve) => {
    socket.on('close', resolve)
    socket.write(`HTTP/1.1 101 UPGRADED\r\n${lines}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`, () => resolve())
  })
}

interface Ends {
  /** Each direction ends on its own; otherwise the first end is the end of both. */
  halves: boolean
  /** The client's end of input is told to the engine. */
  inputEnds?: boolean
}

/** Moves bytes both ways until both directions have ended. Listeners for errors come before the first write. */
function pipeBoth(fromClient: Readable, toClient: Writable, engine: Duplex, { halves, inputEnds = true }: Ends): void {
  const close = () => {
    fromClient.destroy()
    toClient.destroy()
    engine.destroy()
  }
  for (const stream of new Set<any>([fromClient, toClient, engine])) stream.on('error', close)
  toClient.on('close', close)
  // Before whoever hears of an end: what was gathered goes out first.
  flow(fromClient, engine, { end: inputEnds })
  flow(engine, toClient)
  engine.pause()
  setTimeout(() => engine.resume(), behindHead)
  if (!halves) for (const stream of [fromClient, engine]) stream.on('end', close)
  engine.on('close', () => { if (!engine.readableEnded) close() })
  // An engine closes its side when all is over and never before (moby, httputils.CloseStreams); a client may leave its own open for ever.
  engine.on('end', () => {
    if (toClient instanceof Duplex) farewell(toClient)
    engine.destroy()
  })
}

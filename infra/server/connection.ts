import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Connection, EngineAnswer, EngineHead, EngineRequest, Host, ShapeHead } from '../../lib/engine.ts'
import { Refusal } from '../../lib/refusal.ts'
import { headOf, wire } from '../../lib/wire.ts'
import { chunksOf, type Chunks } from '../chunks.ts'
import { passed } from '../garbage.ts'
import { unreachable } from '../hosts/away.ts'
import type { EngineClient } from '../hosts/client.ts'
import type { GrpcDoor } from '../grpc/door.ts'
import { hijack, switchProtocols, type Upgrade } from './hijack.ts'
import { firstJsonValue, wholeBody } from './request-body.ts'

/** What Node connections need beyond the pure interface. */
export interface Reach {
  clientOf(host: Host): EngineClient
  grpc: GrpcDoor
  /** Keeps a socket open when its namespace's are cut. */
  spare(socket: Socket): void
  /** How many connections its namespace had open when this one came, itself counted. */
  rank(socket: Socket): number
  /** A request came on it. */
  spoke(socket: Socket): void
}

/**
 * One request on a Node socket as the pipeline sees it.
 * `upgrade` is what Node handed over when the client asked for an upgrade: with a body in the request that is not the TLS socket itself.
 */
export function nodeConnection(incoming: IncomingMessage, outgoing: ServerResponse, upgrade: Upgrade | undefined, { clientOf, grpc, spare, rank }: Reach): Connection {
  const gone = new AbortController()
  outgoing.on('close', () => { if (!outgoing.writableFinished) gone.abort(new ClientGone()) })
  function upload(): Chunks {
    const chunks = chunksOf(incoming)
    // What was answered before its end is of no use to anybody, but the next request of the connection is behind it.
    outgoing.on('finish', chunks.drop)
    return chunks
  }
  return {
    method: incoming.method ?? 'GET',
    signal: gone.signal,
    upgraded: upgrade !== undefined,
    rank: rank(incoming.socket),
    header: (name) => single(incoming.headers[name]),
    headers: (name) => incoming.headersDistinct[name] ?? [],
    body: (limit) => wholeBody(incoming, limit),
    firstValue: (limit) => firstJsonValue(incoming, limit),
    upload,
    outlive: () => spare(incoming.socket),
    relay: (host, request, shape, uploads) => relay(clientOf(host), request, shape, outgoing, uploads ? upload() : undefined, gone.signal, host.name),
    async hijack(host, request, shape) {
      // An engine takes the one header for an upgrade; HTTP has two, and HTTP/2 behind an answer that is none would be nonsense.
      if (upgrade === undefined && request.upgrade === 'h2c') throw notUpgraded('a session')
      const answer = await hijack(clientOf(host), request, shape, upgrade ? { kind: 'socket', ...upgrade, outgoing } : { kind: 'request', incoming, outgoing }, gone.signal, host.name)
      return answer ?? RESPONSE_ALREADY_SENT
    },
    async serve(ns, channel, service) {
      const place = grpc.enter(ns)
      try {
        if (upgrade === undefined) throw notUpgraded('gRPC')
        await switchProtocols({ ...upgrade, outgoing }, 'h2c')
        if (upgrade.socket.destroyed) return RESPONSE_ALREADY_SENT
        const serving = place.serve(upgrade.socket, service)
        // Calls that were under way are ended by whoever serves them, who may know more than that the channel is gone.
        channel.closed.addEventListener('abort', serving.drain, { once: true })
        if (channel.closed.aborted) serving.drain()
        await serving.ended
        return RESPONSE_ALREADY_SENT
      } finally {
        channel.close()
        place.leave()
      }
    },
  }
}

function notUpgraded(what: string): Refusal {
  return new Refusal(400, `${what} is served on an upgraded connection; send Connection: Upgrade and Upgrade: h2c`)
}

/** Why work for a client stopped: it closed its connection. */
export class ClientGone extends Error {
  override name = 'ClientGone'
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

/**
 * Streams an answer's bytes from the engine's socket to the client's, as fast as the slower of both. An error answer is short and in the
 * engine's words: it is returned instead, to be put into the job's.
 */
function relay(client: EngineClient, request: EngineRequest, shape: ShapeHead, outgoing: ServerResponse, upload: Chunks | undefined,
  gone: AbortSignal, name: string): Promise<Response | EngineAnswer> {
  const { method, path, headers, body } = wire(request)
  if (upload) headers['content-type'] = 'application/x-tar'
  return new Promise((resolve, reject) => {
    let resume: (() => void) | undefined
    let refused: { head: EngineHead; chunks: Buffer[] } | undefined
    const done = () => { if (resume) outgoing.off('drain', resume) }
    client.dispatcher.dispatch({ origin: client.origin, method, path, headers, body: (upload as never) ?? body ?? (method === 'POST' ? '' : undefined) }, {
      onRequestStart(controller) {
        if (gone.aborted) return controller.abort(gone.reason)
        gone.addEventListener('abort', () => controller.abort(gone.reason), { once: true })
        resume = () => controller.resume()
        outgoing.on('drain', resume)
      },
      onResponseStart(_controller, status, raw) {
        const head = headOf(status, raw as Record<string, string | string[]>)
        if (status >= 400 && method !== 'HEAD') return void (refused = { head, chunks: [] })
        const shown = shape(head)
        outgoing.writeHead(shown.status, shown.headers)
        outgoing.flushHeaders()
      },
      onResponseData(controller, chunk) {
        passed(chunk.length)
        if (refused) refused.chunks.push(chunk)
        else if (!outgoing.write(chunk)) controller.pause()
      },
      onResponseEnd() {
        done()
        if (refused) resolve({ ...refused.head, text: Buffer.concat(refused.chunks).toString('utf8') })
        else outgoing.end(() => resolve(RESPONSE_ALREADY_SENT))
      },
      onResponseError(_controller, error) {
        done()
        if (!outgoing.headersSent && !gone.aborted) return reject(unreachable(name, error))
        outgoing.destroy()
        resolve(RESPONSE_ALREADY_SENT)
      },
    })
  })
}

import { request as httpRequest, type ClientRequest } from 'node:http'
import type { Duplex } from 'node:stream'
import type { EngineAnswer, EngineHead, EngineRequest } from '../../lib/engine.ts'
import { readAll } from '../../lib/lines.ts'
import { headOf, wire } from '../../lib/wire.ts'
import { unreachable } from './away.ts'
import type { EngineClient } from './client.ts'

/** A connection that an engine has handed over. */
export interface Upgraded extends EngineHead {
  socket: Duplex
}

/** Asks an engine for an upgrade. Resolves to its answer when it is not 101. Rejects with 503 when the engine cannot be reached. */
export function upgradeEngine(client: Pick<EngineClient, 'connect'>, request: EngineRequest, gone: AbortSignal, name: string): Promise<Upgraded | EngineAnswer> {
  return new Promise((resolve, reject) => {
    if (gone.aborted) return reject(gone.reason)
    const upstream = openUpgrade(client, request)
    const cancel = () => upstream.destroy()
    gone.addEventListener('abort', cancel, { once: true })
    upstream.on('error', (error) => reject(gone.aborted ? gone.reason : unreachable(name, error)))
    upstream.on('response', (response) => {
      readAll(response).then((text) => resolve({ ...headOf(response.statusCode ?? 502, response.headers), text }), reject)
    })
    upstream.on('upgrade', (response, socket, head) => {
      gone.removeEventListener('abort', cancel)
      if (head.length > 0) socket.unshift(head)
      resolve({ ...headOf(response.statusCode!, response.headers), socket })
    })
  })
}

function openUpgrade({ connect }: Pick<EngineClient, 'connect'>, request: EngineRequest): ClientRequest {
  const { method, path, headers, body } = wire(request)
  const upstream = httpRequest({
    method, path, createConnection: (_options, connected) => void connect().then((socket) => connected(null, socket), (error) => connected(error, undefined as never)),
    headers: { host: 'engine', ...headers, connection: 'Upgrade', upgrade: request.upgrade ?? 'tcp', 'content-length': Buffer.byteLength(body ?? '') },
  })
  upstream.end(body)
  return upstream
}

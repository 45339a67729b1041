import { request as httpRequest, type ClientRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect as netConnect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import type { Duplex } from 'node:stream'
import type { EngineAnswer, EngineHead, EngineRequest } from '../../lib/engine.ts'
import { readAll } from '../../lib/lines.ts'
import { headOf, wire } from '../../lib/wire.ts'
import { unreachable, type EngineAddress, type EngineClient } from './client.ts'

/** A connection that an engine has handed over. */
export interface Upgraded extends EngineHead {
  socket: Duplex
}

/** Asks an engine for an upgrade. Resolves to its answer when it is not 101. Rejects with 503 when the engine cannot be reached. */
export function upgradeEngine(client: Pick<EngineClient, 'address'>, request: EngineRequest, gone: AbortSignal, name: string): Promise<Upgraded | EngineAnswer> {
  return new Promise((resolve, reject) => {
    if (gone.aborted) return reject(gone.reason)
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
      resolve({ ...headOf(response.statusCode!, response.headers), socket })
    })
  })
}

function openUpgrade(address: EngineAddress, request: EngineRequest): ClientRequest {
  const { method, path, headers, body } = wire(request)
  const send = address.tls ? httpsRequest : httpRequest
  const upstream = send({
    method, path, createConnection: () => connectHalfOpen(address),
    headers: { host: 'engine', ...headers, connection: 'Upgrade', upgrade: request.upgrade ?? 'tcp', 'content-length': Buffer.byteLength(body ?? '') },
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

import { readFileSync } from 'node:fs'
import { request as httpRequest, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import type { Namespace } from './gateway.ts'

/** Where raw requests go: an engine's or a namespace's socket, or a namespace's address with its certificate. */
export type Endpoint = Pick<RequestOptions, 'socketPath' | 'host' | 'port'> & { ca?: string; cert?: string; key?: string }

export interface RawAnswer {
  status: number
  /** Of those that clients see, without date and connection. */
  headers: Record<string, string>
  body: string
}

export function bySocket(socketPath: string): Endpoint {
  return { socketPath }
}

export function byTls({ env, certPath }: Namespace): Endpoint {
  const { hostname, port } = new URL(String(env['DOCKER_HOST']))
  const read = (name: string) => readFileSync(join(certPath, name), 'utf8')
  return { host: hostname, port, ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') }
}

/** One request on a connection of its own; an object as body is sent as JSON. Rejects when the connection breaks or nothing comes for a minute. */
export function raw(endpoint: Endpoint, method: string, path: string, body?: object | string, headers: Record<string, string> = {}): Promise<RawAnswer> {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
  const send = endpoint.ca ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const request = send({
      ...endpoint, method, path, agent: false, timeout: 60_000,
      headers: { ...(text === undefined ? { 'content-length': '0' } : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }), ...headers },
    }, (response) => {
      let read = ''
      response.setEncoding('utf8').on('data', (piece) => { read += piece }).on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: shown(response.headers), body: read }))
    })
    request.on('timeout', () => request.destroy(new Error(`${method} ${path}: no answer`))).on('error', reject).end(text)
  })
}

/** Of these a client may tell one engine from another. */
const told = ['content-type', 'content-length', 'api-version', 'docker-experimental', 'ostype', 'server', 'transfer-encoding', 'location', 'x-docker-container-path-stat']

function shown(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(told.filter((name) => headers[name] !== undefined).map((name) => [name, String(headers[name])]))
}

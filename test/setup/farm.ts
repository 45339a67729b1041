import { request, type Agent } from 'node:https'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as tlsConnect, type TLSSocket } from 'node:tls'
import { buffer } from 'node:stream/consumers'
import type { Engine } from './engine.ts'
import { following, type Following } from './following.ts'
import { startGateway, type Gateway, type Namespace } from './gateway.ts'
import type { RedisServer } from './redis.ts'

/** Several gateways on one Redis. */
export async function startFarm(redis: Pick<RedisServer, 'url'>, engine: Pick<Engine, 'socket'> | undefined, count: number, config: { drain?: number; [setting: string]: unknown } = {}): Promise<Gateway[]> {
  const options = {
    config: { store: redis.url, images: { shared: ['busybox:latest'] }, ...config }, ...(engine && { engineSocket: engine.socket }),
    ...(config.drain !== undefined && { env: { MOORAGE_DRAIN: String(config.drain) } }),
  }
  // One after the other: the first makes what the others take over.
  const gateways: Gateway[] = []
  for (let at = 0; at < count; at++) gateways.push(await startGateway(options))
  return gateways
}

/** The environment that reaches a namespace through another gateway than the one that opened it. */
export function through(gateway: Gateway, { env }: Namespace): Record<string, string> {
  return { ...env, DOCKER_HOST: gateway.url.replace('https:', 'tcp:') }
}

export interface Answer {
  status: number
  text: string
  json: any
}

/** A namespace opened by one call, without the command line. */
export interface Direct {
  id: string
  ca: string
  cert: string
  key: string
}

/** Opens a namespace by one call: quickly. */
export async function openDirectly(gateway: Gateway, wish: object = {}): Promise<Direct> {
  const { status, json, text } = await operate(gateway, 'POST', '/namespaces', wish)
  if (status !== 201) throw new Error(text)
  return json
}

/** One request of a namespace, by its certificate, on a connection of its own unless an agent is given. */
export function call(gateway: Gateway, namespace: Namespace | Direct, method: string, path: string, body?: unknown, agent?: Agent): Promise<Answer> {
  return send(gateway, { method, path, body, agent: agent ?? false, ...material(namespace) })
}

/** The same for an answer that is read as it comes; resolves when its head is there. */
export function follow(gateway: Gateway, namespace: Namespace | Direct, method: string, path: string): Promise<Following> {
  return new Promise((resolve, reject) => {
    const outgoing = request(gateway.url, { method, path, agent: false, ...material(namespace) }, (incoming) => {
      resolve(following(incoming.statusCode ?? 0, incoming, () => outgoing.destroy()))
    })
    outgoing.on('error', reject).end()
  })
}

/** One request of the operator, or of the bearer of another token. */
export function operate(gateway: Gateway, method: string, path: string, body?: unknown, token = operatorToken(gateway)): Promise<Answer> {
  return send(gateway, { method, path, body, agent: false, ca: readFileSync(join(gateway.stateDir, 'ca.pem'), 'utf8'), headers: { authorization: `Bearer ${token}` } })
}

function operatorToken(gateway: Gateway): string {
  return readFileSync(join(gateway.stateDir, 'operator-token'), 'utf8').trim()
}

/** An open connection of a namespace, before any request. */
export function socketOf(gateway: Gateway, namespace: Namespace | Direct): Promise<TLSSocket> {
  const { hostname, port } = new URL(gateway.url)
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({ host: hostname, port: Number(port), ...material(namespace) }, () => resolve(socket)).on('error', reject)
  })
}

/** What a namespace proves itself with, to be had when the files are gone. */
export function held(namespace: Namespace): Direct {
  return { id: namespace.id, ...material(namespace) }
}

function material(namespace: Namespace | Direct) {
  if ('cert' in namespace) return { ca: namespace.ca, cert: namespace.cert, key: namespace.key }
  const read = (name: string) => readFileSync(join(namespace.certPath, name), 'utf8')
  return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') }
}

type Sending = { method: string, path: string, body?: unknown, agent: Agent | false, headers?: Record<string, string> } & Partial<ReturnType<typeof material>>

function send(gateway: Gateway, { body, headers, ...options }: Sending): Promise<Answer> {
  const bytes = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const sent = { ...headers, ...(bytes !== undefined && { 'content-type': 'application/json' }), 'content-length': String(Buffer.byteLength(bytes ?? '')) }
    const outgoing = request(gateway.url, { ...options, headers: sent, timeout: 120_000 }, (incoming) => {
      buffer(incoming).then((all) => {
        const text = all.toString()
        resolve({ status: incoming.statusCode ?? 0, text, json: /^[[{]/.test(text) ? JSON.parse(text) : undefined })
      }, reject)
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${options.method} ${options.path} was not answered`)))
    outgoing.on('error', reject).end(bytes)
  })
}

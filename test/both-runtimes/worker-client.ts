import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Answer } from '../setup/farm.ts'
import { following, type Following } from '../setup/following.ts'
import type { Gateway } from '../setup/gateway.ts'
import type { Worker } from '../setup/worker.ts'

/** What a proxy in front of the Worker proves itself with. */
export const proxySecret = 'a secret of the tests'

export function operatorToken(gateway: Gateway): string {
  return readFileSync(join(gateway.stateDir, 'operator-token'), 'utf8').trim()
}

interface Sending {
  method: string
  path: string
  body?: unknown
  /** The namespace that the proxy in front has verified. */
  namespace?: string
  token?: string
  headers?: Record<string, string>
}

const headersOf = ({ body, namespace, token, headers = {} }: Sending) => ({
  ...(namespace !== undefined && { 'x-moorage-proxy': proxySecret, 'x-moorage-namespace': namespace }), ...(token !== undefined && { authorization: `Bearer ${token}` }),
  ...(body !== undefined && { 'content-type': 'application/json' }), ...headers,
})

/** One request to the Worker, through a proxy that checks certificates or by a token's bearer. */
export async function sendToWorker(worker: Pick<Worker, 'url'>, sending: Sending): Promise<Answer> {
  const { method, path, body } = sending
  const answer = await fetch(worker.url + path, {
    method, signal: AbortSignal.timeout(120_000), headers: headersOf(sending), body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await answer.text()
  return { status: answer.status, text, json: /^[[{]/.test(text) ? JSON.parse(text) : undefined }
}

/** The same for an answer that is read as it comes; resolves when its head is there. */
export async function followWorker(worker: Pick<Worker, 'url'>, sending: Sending): Promise<Following> {
  const left = new AbortController()
  const answer = await fetch(worker.url + sending.path, { method: sending.method, signal: left.signal, headers: headersOf(sending) })
  return following(answer.status, answer.body ?? assert.fail('no body'), () => left.abort())
}

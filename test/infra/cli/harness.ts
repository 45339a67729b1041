import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { loadAuthority } from '../../../infra/certificates.ts'
import { openState } from '../../../infra/state.ts'

/** A home of this test process's own. */
const home = mkdtempSync(join(tmpdir(), 'moorage-home-'))
process.on('exit', () => rmSync(home, { recursive: true, force: true }))

/** The program's file. */
export const main = fileURLToPath(new URL('../../../infra/cli/main.js', import.meta.url))

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs `moorage` with nothing of our own environment but what is given. */
export async function moorage(parameters: string[], { env = {}, input = '' }: { env?: Record<string, string>, input?: string } = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [main, ...parameters], { env: environment(env) })
  child.stdin.on('error', () => {}).end(input)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, stdout, stderr }
}

/** The environment of a program under test. */
export function environment(given: Record<string, string> = {}): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: home, ...given }
}

export interface Asked {
  method: string
  path: string
  token: string | undefined
  body: unknown
}

export interface FakeGateway {
  /** A directory that is removed at the end. */
  root: string
  /** Its state directory, as a gateway leaves it while it runs. */
  state: string
  url: string
  token: string
  caPem: string
  /** What it was asked, in order. */
  asked: Asked[]
  /** What it answers; a test may replace it. */
  answer: (asked: Asked) => { status: number, body: unknown } | Promise<{ status: number, body: unknown }>
  stop(): void
}

/** A gateway that answers the control API with what the test says, on TLS with certificates of its own authority. */
export async function fakeGateway(): Promise<FakeGateway> {
  const root = mkdtempSync(join(tmpdir(), 'moorage-cli-'))
  const state = openState(join(root, 'state'))
  const authority = await loadAuthority(state.directory)
  const asked: Asked[] = []
  const server = createServer({ ...await authority.server(['127.0.0.1']) }, async (request, response) => {
    const body = await text(request)
    const one = { method: String(request.method), path: String(request.url), token: request.headers.authorization, body: body === '' ? undefined : JSON.parse(body) }
    asked.push(one)
    const answer = await gateway.answer(one)
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  state.announce({ url, pid: process.pid })
  const gateway: FakeGateway = {
    root, state: state.directory, url, token: state.operatorToken, caPem: authority.caPem, asked,
    answer: () => ({ status: 500, body: { message: 'the test says nothing' } }),
    stop() {
      server.close()
      state.release()
      rmSync(root, { recursive: true })
    },
  }
  return gateway
}

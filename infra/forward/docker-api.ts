import { readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { readAll, splitLines } from '../../lib/lines.ts'

/** The Docker API of a namespace as a client beside the job sees it. */
export interface DockerApi {
  /** The host that published ports are dialled at. */
  readonly host: string
  /** The parsed answer, undefined for what does not exist. Throws `ApiRefusal` for any other refusal. */
  get(path: string): Promise<any>
  /** Resolves when the answer begins, to parsed JSON lines as they come; these end when the server ends them. Throws as `get` does. */
  lines(path: string, signal: AbortSignal): Promise<AsyncIterable<any>>
}

/** An answer that is a refusal. */
export class ApiRefusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'ApiRefusal'
    this.status = status
  }
}

/** Where Docker clients would go with this environment (DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH). Throws when files of it cannot be read. */
export function dockerApi(env: Readonly<Record<string, string | undefined>>): DockerApi {
  const url = new URL((env['DOCKER_HOST'] || 'unix:///var/run/docker.sock').replace(/^tcp:/, 'http:'))
  const unix = url.protocol === 'unix:'
  const file = (name: string) => readFileSync(join(env['DOCKER_CERT_PATH']!, name))
  const tls = unix || !env['DOCKER_CERT_PATH'] ? undefined : { ca: file('ca.pem'), cert: file('cert.pem'), key: file('key.pem') }
  const host = unix ? '127.0.0.1' : url.hostname.replace(/^\[(.*)\]$/, '$1')
  const where = unix ? { socketPath: url.pathname } : { host, port: Number(url.port || (tls ? 2376 : 2375)), ...tls }
  const send = tls ? httpsRequest : httpRequest

  async function open(path: string, signal?: AbortSignal): Promise<IncomingMessage> {
    const response = await new Promise<IncomingMessage>((answered, failed) => {
      send({ ...where, path, agent: false, ...(signal && { signal }) }, answered).on('error', failed).end()
    })
    const { statusCode = 0 } = response
    if (statusCode < 300 || statusCode === 404) return response
    const text = await readAll(response)
    throw new ApiRefusal(statusCode, messageIn(text) ?? `the Docker API answered with status ${statusCode}`)
  }

  return {
    host,
    async get(path) {
      const response = await open(path)
      const text = await readAll(response)
      return response.statusCode === 404 ? undefined : JSON.parse(text)
    },
    lines: async (path, signal) => parsed(await open(path, signal)),
  }
}

async function* parsed(response: IncomingMessage): AsyncGenerator<any> {
  for await (const line of splitLines(response)) yield JSON.parse(line)
}

function messageIn(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    return typeof message === 'string' ? message : undefined
  } catch {
    return undefined
  }
}

import { readFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { join, resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { errorCode, readIfThere } from '../files.ts'
import { defaultStateDirectory, readGateway, readOperatorToken } from '../state.ts'
import { exitCodes, Failure } from './failure.ts'

/** Options of every command that talks to a gateway. */
export interface GatewayOptions {
  gateway?: string
  state?: string
  tokenFile?: string
  ca?: string
}

/** The control API of one gateway. */
export interface ControlClient {
  readonly url: URL
  /** The state directory, when the gateway was found through it. */
  readonly state: string | undefined
  /** Answers the parsed body. Throws a `Failure` that says what to do. */
  request(method: string, path: string, body?: unknown): Promise<unknown>
}

/** Adds the options that say which gateway is meant. */
export function gatewayOptions(command: Command): Command {
  return command
    .addOption(new Option('--gateway <URL>', 'a gateway elsewhere, https://HOST:PORT; otherwise the one of the state directory').env('MOORAGE_GATEWAY'))
    .addOption(new Option('--state <DIR>', "the gateway's state directory on this machine").env('MOORAGE_STATE'))
    .option('--token-file <FILE>', "file with the operator's token (otherwise MOORAGE_TOKEN, then the state directory)")
    .addOption(new Option('--ca <FILE>', "the gateway's ca.pem (otherwise the state directory's, then the system's authorities)").env('MOORAGE_CA'))
}

/** A certificate that proves its bearer to be a namespace, PEM. */
export interface Certificate {
  cert: string
  key: string
  ca: string
}

/**
 * Finds the gateway and what proves who we are: the operator's token, or `jobToken`, that of a CI job, when there is none. Throws a `Failure`
 * when something is missing.
 */
export function findGateway(options: GatewayOptions, jobToken?: string): ControlClient {
  return attempt(() => {
    const directory = resolve(options.state || defaultStateDirectory(process.env))
    const url = gatewayUrl(options.gateway || recordedUrl(directory))
    const token = options.tokenFile ? readFileSync(options.tokenFile, 'utf8').trim() : process.env['MOORAGE_TOKEN'] || readOperatorToken(directory) || jobToken
    if (!token) throw new Failure("The operator's token is missing; give it with --token-file FILE or in MOORAGE_TOKEN (it is the file operator-token of the gateway's state directory), or let the CI system give the job an OIDC token", exitCodes.usage)
    const ca = options.ca ? readFileSync(options.ca, 'utf8') : readIfThere(join(directory, 'ca.pem'))
    return {
      url,
      state: options.gateway ? undefined : directory,
      request: (method, path, body) => call({ url: new URL(path, url), token, ca, method, body: body === undefined ? undefined : JSON.stringify(body) }),
    }
  })
}

/** The gateway as the namespace of a certificate reaches it, for what a namespace may do with itself. */
export function namespaceGateway(dockerHost: string, { ca, ...certificate }: Certificate): ControlClient {
  const url = gatewayUrl(dockerHost.replace(/^tcp:/, 'https:'))
  return {
    url, state: undefined,
    request: (method, path, body) => call({ url: new URL(path, url), ca, certificate, method, body: body === undefined ? undefined : JSON.stringify(body) }),
  }
}

function recordedUrl(directory: string): string {
  const record = readGateway(directory)
  if (record) return record.url
  throw new Failure(`No gateway runs with the state directory ${directory}; start it with npm start, or name another with --state DIR or --gateway URL`)
}

function gatewayUrl(text: string): URL {
  const url = URL.parse(text)
  // In clear the token would be everybody's.
  if (url?.protocol !== 'https:') throw new Failure(`${text} is no gateway; give its URL as https://HOST:PORT`, exitCodes.usage)
  return url
}

/** Files that cannot be read, in words. */
function attempt<T>(find: () => T): T {
  try {
    return find()
  } catch (error) {
    if (errorCode(error) === undefined) throw error
    const { message } = error as Error
    const remedy = errorCode(error) === 'EACCES' ? 'run this as the user who started the gateway' : 'name a file that can be read'
    throw new Failure(`${message}; ${remedy}`, exitCodes.failed, { cause: error })
  }
}

interface Call {
  url: URL
  token?: string
  certificate?: Omit<Certificate, 'ca'>
  ca: string | undefined
  method: string
  body: string | undefined
}

async function call(given: Call): Promise<unknown> {
  const { status, text } = await exchange(given).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(unreachable(given.url.origin, error), exitCodes.failed, { cause: error })
  })
  const answer = parse(text)
  if (status < 300) return answer
  const message = (answer as { message?: unknown } | undefined)?.message
  throw new Failure(typeof message === 'string' ? message : `The gateway answered with status ${status} and no reason; look at its log`,
    status >= 400 && status < 500 ? exitCodes.refused : exitCodes.failed)
}

function exchange({ url, token, certificate, ca, method, body }: Call): Promise<{ status: number, text: string }> {
  return new Promise((answered, failed) => {
    const headers = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }) }
    const request = httpsRequest(url, { method, headers, ca, ...certificate, agent: false, minVersion: 'TLSv1.2' }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => { text += chunk }).on('error', failed)
      response.on('end', () => answered({ status: response.statusCode ?? 0, text }))
    })
    request.on('error', failed).end(body)
  })
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function unreachable(origin: string, error: NodeJS.ErrnoException): string {
  const code = error.code ?? ''
  if (code === 'ECONNREFUSED') return `No gateway answers at ${origin}; start it with npm start, or name another with --gateway URL`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `The certificate of ${origin} is for other names; start the gateway with --name ${new URL(origin).hostname}`
  if (/CERT|SIGNATURE/.test(code)) return `The certificate of ${origin} is not trusted (${error.message}); give the gateway's ca.pem with --ca FILE`
  return `The gateway at ${origin} cannot be reached (${error.message}); check the URL and that it runs`
}

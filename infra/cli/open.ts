import { appendFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { chooseDirectory, removeCertificates, writeCertificates, type Certificates } from './certificate-directory.ts'
import { findGateway, gatewayOptions, type ControlClient, type GatewayOptions } from './control.ts'
import { createContext, requireDocker } from './docker-context.ts'
import { errorCode } from '../files.ts'
import { requestCertificate } from '../issue.ts'
import { ciJob } from './ci.ts'
import { exitCodes, Failure } from './failure.ts'
import { addManual, gatewayEnvironment, type Manual } from './manual.ts'
import { exportLine, parseDuration, printable } from './text.ts'

/** A namespace as the control API opens it; times in ISO 8601. */
type Opened = Certificates & { id: string, policy: string, expires: string }

interface OpenOptions extends GatewayOptions {
  policy?: string
  label?: string
  domain?: string
  lifetime?: number
  out?: string
  unix?: string
  context?: string
  githubEnv?: true
  dotenv?: string
  json?: true
}

const manual: Manual = {
  about: `Prints \`export DOCKER_HOST=... DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=...\` for eval, or with --json
{id, gateway, certPath, env: {DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH}, expires}; with --unix, {id, gateway, socket, env: {DOCKER_HOST}, expires}.
In a job of GitLab CI, GitHub Actions, Buildkite, CircleCI or Jenkins the label is the job's, and without a token of the operator's the job's OIDC
token opens the namespace.`,
  environment: {
    ...gatewayEnvironment,
    MOORAGE_ID_TOKEN: "the job's OIDC token, where the CI system does not give it by itself (GitLab: id_tokens)",
    MOORAGE_AUDIENCE: "audience that the job's OIDC token is asked for (default: the gateway's URL)",
    GITHUB_ENV: 'file that --github-env adds to',
    XDG_DATA_HOME: 'where certificates are put when not in the state directory (default ~/.local/share)',
  },
  exits: { 0: 'done', 1: 'failed (nothing stays open)', 2: 'wrong usage', 3: 'refused by the gateway' },
  examples: ['eval "$(moorage open --label build-42 --lifetime 2h)"', 'docker run --rm busybox echo hello'],
}

/** `moorage open`. */
export function define(command: Command): void {
  gatewayOptions(addManual(command, manual)
    .option('--policy <NAME>', 'the policy to open it with')
    .option('--label <TEXT>', 'what people call it: a job or a project')
    .option('--domain <NAME>', 'its trust domain: namespaces of one domain share build caches (default: shared with nobody)')
    .option('--lifetime <TIME>', 'how long it lives: 90s, 30m, 2h, 1d', parseDuration)
    .option('--context <NAME>', 'also make a docker context of this name')
    .addOption(new Option('--unix <PATH>', 'serve it on a unix socket on the gateway\'s machine instead of by certificates').conflicts('out'))
    .option('--out <DIR>', 'directory for ca.pem, cert.pem and key.pem')
    .option('--github-env', 'also set the variables for the following steps of a GitHub Actions job')
    .option('--dotenv <FILE>', 'also write the variables to a file, a NAME=value a line')
    .option('--json', 'print JSON')).action(open)
}

async function open(options: OpenOptions): Promise<void> {
  const job = ciJob(process.env)
  const gateway = findGateway(options, await job?.token(process.env['MOORAGE_AUDIENCE'] ?? options.gateway ?? ''))
  if (options.context) await requireDocker()
  const { policy, label = job?.label, domain, lifetime } = options
  const { csr, key } = await requestCertificate()
  const answer = await gateway.request('POST', '/namespaces', { policy, label, domain, lifetime, csr }) as Opened
  const opened = { ...answer, key }
  const reached = await reach(gateway, opened, options).catch(async (error) => {
    removeCertificates(opened.id, gateway.state)
    await gateway.request('DELETE', `/namespaces/${opened.id}`)
    if (errorCode(error) === undefined) throw error
    throw new Failure(`The certificates cannot be written (${error.message}); name a directory with --out DIR`, undefined, { cause: error })
  })
  announce(opened, options)
  const { id, expires } = opened
  const { env, ...where } = reached
  hand(env, options)
  process.stdout.write(options.json ? `${JSON.stringify({ id, gateway: gateway.url.origin, ...where, env, expires }, undefined, 2)}\n` : shellLines(env))
}

/** How docker reaches a namespace. */
interface Reached {
  certPath?: string
  socket?: string
  env: Record<string, string>
}

async function reach(gateway: ControlClient, opened: Opened, options: OpenOptions): Promise<Reached> {
  const reached = options.unix ? await bySocket(gateway, opened.id, resolve(options.unix)) : byCertificate(gateway, opened, options.out)
  if (options.context) await createContext(options.context, `Moorage namespace ${opened.id}`, endpoint(reached))
  return reached
}

async function bySocket(gateway: ControlClient, id: string, socket: string): Promise<Reached> {
  await gateway.request('POST', `/namespaces/${id}/socket`, { path: socket })
  return { socket, env: { DOCKER_HOST: `unix://${socket}` } }
}

function byCertificate({ url, state }: ControlClient, opened: Opened, out: string | undefined): Reached {
  const certPath = out ? resolve(out) : chooseDirectory(opened.id, state)
  writeCertificates(certPath, opened)
  const DOCKER_HOST = `tcp://${url.hostname}:${url.port || 443}`
  return { certPath, env: { DOCKER_HOST, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certPath } }
}

function endpoint({ certPath, env }: Reached): Record<string, string> {
  const host = { host: String(env['DOCKER_HOST']) }
  return certPath ? { ...host, ca: join(certPath, 'ca.pem'), cert: join(certPath, 'cert.pem'), key: join(certPath, 'key.pem') } : host
}

/** Gives the variables to what comes after this process. */
function hand(env: Record<string, string>, { githubEnv, dotenv }: OpenOptions): void {
  const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`).join('')
  const file = process.env['GITHUB_ENV']
  if (githubEnv && !file) throw new Failure('GITHUB_ENV is not set: --github-env is for the steps of a GitHub Actions job', exitCodes.usage)
  if (githubEnv) appendFileSync(String(file), lines)
  if (dotenv) writeFileSync(dotenv, lines)
}

/** What was exported for another namespace must not stay: docker would speak TLS to the socket. */
function shellLines(env: Record<string, string>): string {
  return exportLine(env) + (env['DOCKER_TLS_VERIFY'] ? '' : 'unset DOCKER_TLS_VERIFY DOCKER_CERT_PATH\n')
}

function announce({ id, policy, expires }: Opened, { context, json }: OpenOptions): void {
  const say = (line: string) => process.stderr.write(`${line}\n`)
  say(`Opened namespace ${id} with policy ${printable(policy)}, until ${expires}; end it with: moorage close ${id}`)
  if (context) say(`Made the docker context ${context}: docker --context ${context} ps`)
  if (process.stdout.isTTY && !json) say('Paste the lines below, or put the command into eval "$(...)" so that the shell does it:')
}

import { join } from 'node:path'
import type { Command } from 'commander'
import { namespacePattern } from '../../lib/names.ts'
import { removeCertificates } from './certificate-directory.ts'
import { readIfThere } from '../files.ts'
import { findGateway, gatewayOptions, namespaceGateway, type ControlClient, type GatewayOptions } from './control.ts'
import { exitCodes, Failure } from './failure.ts'
import type { Listed } from './list.ts'
import { addManual, gatewayEnvironment, type Manual } from './manual.ts'
import { whileWaiting } from './progress.ts'
import { printable } from './text.ts'

/** What closing a namespace removed: job names by kind. */
interface Closed {
  id: string
  removed: Record<string, string[]>
  /** What is busy, and is tried again by the gateways. */
  left?: { kind: string, name: string, why: string }[]
  /** Why nothing could be removed yet. */
  waiting?: string
}

const manual: Manual = {
  about: `Prints what was removed, one line per namespace, or with --json the list [{id, removed: {containers, networks, volumes, images}, left, waiting}].
Meanwhile what is left is counted on standard error. What is busy or on a host that is away is left to the gateways, which remove it as soon as they can.
Without an ID, the namespace that DOCKER_HOST and DOCKER_CERT_PATH name is closed: its own certificate may, no token is needed.`,
  environment: { ...gatewayEnvironment, DOCKER_HOST: 'with DOCKER_CERT_PATH, the namespace to close when no ID is given' },
  exits: { 0: 'all closed', 1: 'failed', 2: 'wrong usage', 3: 'refused by the gateway (no such namespace)' },
  examples: ['moorage close "$id"', 'moorage close                  # the namespace of this shell'],
}

/** `moorage close`. */
export function define(command: Command): void {
  gatewayOptions(addManual(command, manual)
    .argument('[ID...]', 'namespaces, as `moorage list` shows them')
    .option('--all', 'close every open namespace')
    .option('--json', 'print JSON')).action(close)
}

async function close(ids: string[], options: GatewayOptions & { all?: true, json?: true }): Promise<void> {
  if (ids.length > 0 && options.all) throw new Failure('Name the namespaces to close, or give --all for every one, not both', exitCodes.usage)
  if (ids.length === 0 && !options.all) return closeSelf(options.json)
  const gateway = findGateway(options)
  const wanted = options.all ? (await gateway.request('GET', '/namespaces') as Listed[]).map(({ id }) => id) : ids
  const closed: Closed[] = []
  const failures: Failure[] = []
  for (const [at, id] of wanted.entries()) {
    const which = wanted.length === 1 ? id : `${id} (${at + 1} of ${wanted.length})`
    await closeOne(gateway, id, which).then((one) => closed.push(one), (error) => failures.push(asFailure(error)))
  }
  process.stdout.write(options.json ? `${JSON.stringify(closed, undefined, 2)}\n` : closed.map(report).join(''))
  const [first] = failures
  if (first) throw new Failure(failures.map(({ message }) => message).join('\n'), first.exitCode)
}

/** As the namespace of this environment. */
async function closeSelf(json: true | undefined): Promise<void> {
  const { DOCKER_HOST: host, DOCKER_CERT_PATH: directory } = process.env
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((file) => directory && readIfThere(join(directory, file)))
  if (!host?.startsWith('tcp://') || !ca || !cert || !key) {
    throw new Failure('Name the namespaces to close, or give --all for every one; DOCKER_HOST and DOCKER_CERT_PATH name none', exitCodes.usage)
  }
  const gateway = namespaceGateway(host, { ca, cert, key })
  const closed = await whileWaiting(gateway.request('DELETE', '/namespaces/self'), () => remains(gateway, 'self', 'the namespace')) as Closed
  process.stdout.write(json ? `${JSON.stringify([closed], undefined, 2)}\n` : report(closed))
}

async function closeOne(gateway: ControlClient, id: string, which: string): Promise<Closed> {
  if (!namespacePattern.test(id)) throw new Failure(`${printable(id)} is no namespace; \`moorage list\` shows them`, exitCodes.usage)
  const closed = await whileWaiting(gateway.request('DELETE', `/namespaces/${id}`), () => remains(gateway, id, which)) as Closed
  removeCertificates(id, gateway.state)
  return closed
}

/** What a closing namespace still has, in a line. */
async function remains(gateway: ControlClient, id: string, which: string): Promise<string | undefined> {
  const now = await gateway.request('GET', `/namespaces/${id}`) as Listed
  // An older gateway knows no such question.
  if (typeof now.containers !== 'number') return undefined
  const counts = (['containers', 'networks', 'volumes', 'images'] as const).filter((kind) => now[kind] > 0).map((kind) => counted(now[kind], kind))
  return `Closing ${which}: ${counts.length > 0 ? `${counts.join(', ')} left` : 'almost done'}`
}

function counted(count: number, kind: string): string {
  return `${count} ${count === 1 ? kind.replace(/s$/, '') : kind}`
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  throw error
}

function report(closed: Closed): string {
  const later = [...(closed.left ?? []).map(({ kind, name, why }) => `${kind} ${name} (${why})`), ...(closed.waiting ? [closed.waiting] : [])]
  return removals(closed) + (later.length > 0 ? `${closed.id}: the gateways go on with ${printable(later.join(', '))}\n` : '')
}

function removals({ id, removed }: Closed): string {
  const parts = Object.entries(removed).filter(([, names]) => names.length > 0).map(([kind, names]) =>
    `${counted(names.length, kind)} (${printable(names.join(', '))})`)
  return `${id}: ${parts.length > 0 ? `removed ${parts.join(', ')}` : 'nothing left to remove'}\n`
}

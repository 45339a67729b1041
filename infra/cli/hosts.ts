import { readFileSync } from 'node:fs'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { findGateway, gatewayOptions, type GatewayOptions } from './control.ts'
import { addManual, gatewayEnvironment, type Manual } from './manual.ts'
import { bytes, printable, table } from './text.ts'

/** A host as the control API shows it. Bytes and cores. */
interface Shown {
  name: string
  url: string
  drained: boolean
  up: boolean
  away?: string
  engine?: string
  namespaces: number
  memory: { reserved: number, of?: number }
  cpus: { reserved: number, of?: number }
  lacks: { why: string, remedy: string }[]
}

const manual: Manual = {
  about: 'Every gateway of the farm learns of a change within seconds.',
  environment: gatewayEnvironment,
  exits: { 0: 'done', 1: 'failed', 2: 'wrong usage', 3: 'refused by the gateway (no such host, or namespaces live there)' },
  examples: [
    'moorage hosts add big tcp://10.0.0.5:2376 --tls-ca ca.pem --tls-cert cert.pem --tls-key key.pem',
    'moorage hosts drain big      # no new namespaces; those that live there end in their own time',
    'moorage hosts remove big',
  ],
}

/** `moorage hosts`. */
export function define(command: Command): void {
  addManual(command, manual)
  const sub = (name: string, summary: string) => gatewayOptions(command.command(name).description(summary).option('--json', 'print JSON'))
  const host = ['<NAME>', 'what the farm calls the host'] as const
  const path = (name: string, verb = '') => `/hosts/${encodeURIComponent(name)}${verb}`
  const changing = (method: string, verb?: string) => (name: string, options: Options) => change(method, path(name, verb), options)
  sub('list', 'list the hosts, what is reserved on them and what they lack').action(list)
  sub('add', 'add an engine').argument(...host).argument('<URL>', 'unix:///PATH, tcp://HOST:PORT, https://HOST:PORT or ssh://USER@HOST')
    .option('--tls-ca <FILE>', 'PEM file of the authority that signed the engine\'s certificate')
    .option('--tls-cert <FILE>', 'PEM file of the certificate the engine knows gateways by')
    .option('--tls-key <FILE>', 'PEM file of that certificate\'s key')
    .addOption(new Option('--memory <SIZE>', 'what namespaces may reserve, such as 64g (default: what the engine has)').argParser(size))
    .addOption(new Option('--cpus <N>', 'cores namespaces may reserve (default: what the engine has)').argParser(Number))
    .action(add)
  sub('drain', 'place no more namespaces on a host').argument(...host).action(changing('POST', '/drain'))
  sub('resume', 'place namespaces on it again').argument(...host).action(changing('POST', '/resume'))
  sub('remove', 'forget a host on which no namespace lives').argument(...host).action(changing('DELETE'))
}

type Options = GatewayOptions & { json?: true }

async function list(options: Options): Promise<void> {
  const hosts = await findGateway(options).request('GET', '/hosts') as Shown[]
  if (options.json) return void process.stdout.write(`${JSON.stringify(hosts, undefined, 2)}\n`)
  if (hosts.length > 0) process.stdout.write(table([heads, ...hosts.map(row)]))
  else process.stderr.write('This farm has no hosts; add one with: moorage hosts add NAME URL\n')
  for (const { name, lacks } of hosts) for (const { why, remedy } of lacks) process.stderr.write(printable(`${name}: ${why}; ${remedy}`) + '\n')
}

const heads = ['HOST', 'URL', 'STATE', 'ENGINE', 'NAMESPACES', 'MEMORY', 'CPUS']

function row({ name, url, drained, up, away, engine, namespaces, memory, cpus }: Shown): string[] {
  const state = [up ? 'up' : `away (${away})`, ...(drained ? ['drained'] : [])].join(', ')
  const share = (reserved: string, of: string | undefined) => of === undefined ? reserved : `${reserved} of ${of}`
  return [name, url, state, engine ?? '-', String(namespaces), share(bytes(memory.reserved), memory.of === undefined ? undefined : bytes(memory.of)),
    share(String(cpus.reserved), cpus.of === undefined ? undefined : String(cpus.of))].map(printable)
}

type AddOptions = Options & { tlsCa?: string, tlsCert?: string, tlsKey?: string, memory?: number, cpus?: number }

async function add(name: string, url: string, options: AddOptions): Promise<void> {
  const files = Object.entries({ ca: options.tlsCa, cert: options.tlsCert, key: options.tlsKey }).filter(([, file]) => file !== undefined)
  const tls = Object.fromEntries(files.map(([part, file]) => [part, readFileSync(file!, 'utf8')]))
  const { memory, cpus } = options
  await change('POST', '/hosts', options, { name, url, ...(files.length > 0 && { tls }), memory, cpus })
}

async function change(method: string, path: string, options: Options, body?: unknown): Promise<void> {
  const answer = await findGateway(options).request(method, path, body) as Shown & { removed?: true }
  if (options.json) return void process.stdout.write(`${JSON.stringify(answer, undefined, 2)}\n`)
  if (answer.removed) process.stdout.write(`Removed host ${answer.name}\n`)
  else process.stdout.write(table([heads, row(answer)]))
}

function size(text: string): number {
  const match = /^(\d+)([kmgt]?)b?$/i.exec(text)
  if (!match) throw new InvalidArgumentError('Give a number of bytes, or one with k, m, g or t: 64g')
  return Number(match[1]) * 1024 ** ' kmgt'.indexOf(match[2]!.toLowerCase() || ' ')
}

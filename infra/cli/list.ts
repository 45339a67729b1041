import type { Command } from 'commander'
import { findGateway, gatewayOptions, type GatewayOptions } from './control.ts'
import { addManual, gatewayEnvironment, type Manual } from './manual.ts'
import { printable, shortDuration, table } from './text.ts'

/** An open namespace as the control API lists it; times in ISO 8601, the rest counts. */
export interface Listed {
  id: string
  label: string
  policy: string
  host: string
  state: string
  opened: string
  expires: string
  containers: number
  networks: number
  volumes: number
  images: number
}

const manual: Manual = {
  about: 'Prints a table, or with --json the list [{id, label, policy, host, state, opened, expires, containers, networks, volumes, images}].',
  environment: gatewayEnvironment,
  exits: { 0: 'done', 1: 'failed', 2: 'wrong usage', 3: 'refused by the gateway' },
  examples: ["moorage list --json | jq -r '.[].id'"],
}

/** `moorage list`. */
export function define(command: Command): void {
  gatewayOptions(addManual(command, manual).option('--json', 'print JSON')).action(list)
}

async function list(options: GatewayOptions & { json?: true }): Promise<void> {
  const namespaces = await findGateway(options).request('GET', '/namespaces') as Listed[]
  if (options.json) process.stdout.write(`${JSON.stringify(namespaces, undefined, 2)}\n`)
  else if (namespaces.length > 0) process.stdout.write(table([heads, ...namespaces.map((namespace) => row(namespace, Date.now()))]))
  else process.stderr.write('No namespace is open; open one with: moorage open\n')
}

const heads = ['NAMESPACE', 'LABEL', 'POLICY', 'HOST', 'STATE', 'OPENED', 'EXPIRES', 'CONTAINERS', 'NETWORKS', 'VOLUMES', 'IMAGES']

function row(namespace: Listed, now: number): string[] {
  const { id, label, policy, host, state, containers, networks, volumes, images } = namespace
  const opened = `${shortDuration(now - Date.parse(namespace.opened))} ago`
  const expires = `in ${shortDuration(Date.parse(namespace.expires) - now)}`
  return [id, label || '-', policy, host, state, opened, expires, ...[containers, networks, volumes, images].map(String)].map(printable)
}

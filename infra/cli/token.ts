import type { Command } from 'commander'
import { findGateway, gatewayOptions, type GatewayOptions } from './control.ts'
import { addManual, gatewayEnvironment, type Manual } from './manual.ts'
import { parseDuration, printable, table } from './text.ts'

/** A token as the control API lists it; times in ISO 8601. */
interface Listed {
  name: string
  policies: string[]
  domain?: string
  label: string
  created: string
  expires: string
}

const manual: Manual = {
  about: `For CI systems that give their jobs no OIDC tokens. A token is printed once, when it is made; the gateway keeps its hash.
Whoever bears it opens namespaces, and sees and closes those only.`,
  environment: gatewayEnvironment,
  exits: { 0: 'done', 1: 'failed', 2: 'wrong usage', 3: 'refused by the gateway' },
  examples: ['moorage token create jenkins --policy default --domain team --expires 90d', 'moorage token revoke jenkins'],
}

/** `moorage token`. */
export function define(command: Command): void {
  addManual(command, manual)
  gatewayOptions(command.command('create').description('make a token and print it')
    .argument('<NAME>', 'what operators call it')
    .option('--policy <NAME>', 'a policy its bearer may use; the first is the default; may be repeated', (one: string, before: string[] = []) => [...before, one])
    .option('--domain <NAME>', 'trust domain of its namespaces (default: each its own)')
    .option('--label <TEXT>', 'label of namespaces opened without one')
    .option('--lifetime <TIME>', 'how long its namespaces live at most: 90s, 30m, 2h, 1d', parseDuration)
    .option('--namespaces <N>', 'how many namespaces its bearer may have at one time', Number)
    .requiredOption('--expires <TIME>', 'how long the token can be used: 30m, 2h, 90d', parseDuration)
    .option('--json', 'print JSON')).action(create)
  gatewayOptions(command.command('list').description('list tokens').option('--json', 'print JSON')).action(list)
  gatewayOptions(command.command('revoke').description('end a token; namespaces opened with it stay').argument('<NAME>', 'as `moorage token list` shows it')).action(revoke)
}

interface CreateOptions extends GatewayOptions {
  policy?: string[]
  domain?: string
  label?: string
  lifetime?: number
  namespaces?: number
  expires: number
  json?: true
}

async function create(name: string, options: CreateOptions): Promise<void> {
  const { policy: policies, domain, label, lifetime, namespaces, expires } = options
  const made = await findGateway(options).request('POST', '/tokens', { name, policies, domain, label, lifetime, namespaces, expires }) as Listed & { token: string }
  process.stdout.write(options.json ? `${JSON.stringify(made, undefined, 2)}\n` : `${made.token}\n`)
  process.stderr.write(`Made the token ${name}, until ${made.expires}; it is not shown again. Jobs use it in MOORAGE_TOKEN; end it with: moorage token revoke ${name}\n`)
}

async function list(options: GatewayOptions & { json?: true }): Promise<void> {
  const tokens = await findGateway(options).request('GET', '/tokens') as Listed[]
  if (options.json) process.stdout.write(`${JSON.stringify(tokens, undefined, 2)}\n`)
  else if (tokens.length > 0) process.stdout.write(table([['TOKEN', 'POLICIES', 'DOMAIN', 'CREATED', 'EXPIRES'], ...tokens.map(row)]))
  else process.stderr.write('There are no tokens; make one with: moorage token create NAME --expires 90d\n')
}

function row({ name, policies, domain, created, expires }: Listed): string[] {
  return [name, policies.join(','), domain ?? '-', created, expires].map(printable)
}

async function revoke(name: string, options: GatewayOptions): Promise<void> {
  await findGateway(options).request('DELETE', `/tokens/${encodeURIComponent(name)}`)
  process.stderr.write(`Revoked the token ${printable(name)}\n`)
}

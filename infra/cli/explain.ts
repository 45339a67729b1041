import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { findGateway, gatewayOptions, type GatewayOptions } from './control.ts'
import { exitCodes, Failure } from './failure.ts'
import { addManual, gatewayEnvironment, type Manual } from './manual.ts'
import { printable } from './text.ts'

type Explained = { plan: unknown } | { refusal: { status: number, message: string } }

const manual: Manual = {
  about: `The request's body is read from standard input, except for GET and HEAD.
Prints the plan (what the engine would be sent) as JSON, or the refusal; with --json {plan} or {refusal: {status, message}}.`,
  environment: gatewayEnvironment,
  exits: { 0: 'a plan', 1: 'failed', 2: 'wrong usage', 3: 'a refusal' },
  examples: [`echo '{"Image": "busybox", "HostConfig": {"Privileged": true}}' | moorage explain 'POST /containers/create?name=db'`],
}

/** `moorage explain`. */
export function define(command: Command): void {
  gatewayOptions(addManual(command, manual)
    .argument('<REQUEST>', "method and path, such as 'POST /containers/create'")
    .option('--policy <NAME>', 'as a namespace with this policy')
    .option('--json', 'print JSON')).action(explain)
}

async function explain(request: string, options: GatewayOptions & { policy?: string, json?: true }): Promise<void> {
  if (!/^[A-Z]+ \/\S*$/.test(request)) {
    throw new Failure("Write the request as method and path in one word, such as 'POST /containers/create?name=db'", exitCodes.usage)
  }
  const gateway = findGateway(options)
  const body = /^(GET|HEAD) /.test(request) || process.stdin.isTTY ? '' : await text(process.stdin)
  const explained = await gateway.request('POST', '/explain', { request, body, policy: options.policy }) as Explained
  if (options.json) process.stdout.write(json(explained))
  else process.stdout.write('plan' in explained ? json(explained.plan) : `refused (${explained.refusal.status}): ${printable(explained.refusal.message)}\n`)
  if (!('plan' in explained)) throw new Failure('', exitCodes.refused)
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}

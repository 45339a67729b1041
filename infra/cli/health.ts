import { request } from 'node:https'
import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { defaultStateDirectory, readGateway } from '../state.ts'
import { exitCodes, Failure } from './failure.ts'
import { addManual, gatewayEnvironment, type Manual } from './manual.ts'

const manual: Manual = {
  about: `For health checks of containers and supervisors: asks the gateway that runs with the state directory on this machine.
With --ready it must also be able to take work: its store and a host answer.`,
  environment: { MOORAGE_STATE: gatewayEnvironment.MOORAGE_STATE, XDG_STATE_HOME: gatewayEnvironment.XDG_STATE_HOME },
  exits: { 0: 'it does', 1: 'it does not', 2: 'wrong usage' },
  examples: ['moorage health --ready || systemctl restart moorage'],
}

/** Milliseconds after which no answer is an answer. */
const patience = 10_000

/** `moorage health`. */
export function define(command: Command): void {
  addManual(command, manual)
    .addOption(new Option('--state <DIR>', "the gateway's state directory on this machine").env('MOORAGE_STATE'))
    .option('--ready', 'ask whether it can take work, too').action(health)
}

async function health({ state, ready }: { state?: string; ready?: true }): Promise<void> {
  const directory = resolve(state || defaultStateDirectory(process.env))
  const record = readGateway(directory)
  if (!record) throw new Failure(`No gateway runs with the state directory ${directory}`)
  const { status, text } = await ask(new URL(ready ? '/readyz' : '/healthz', record.url)).catch((error: Error) => {
    throw new Failure(`The gateway at ${record.url} does not answer (${error.message})`, exitCodes.failed, { cause: error })
  })
  if (status !== 200) throw new Failure(text.trim())
  process.stdout.write(text)
}

function ask(url: URL): Promise<{ status: number, text: string }> {
  return new Promise((answered, failed) => {
    // Who answers on this machine at the recorded address is not proven and need not be: nothing is told to it.
    const asked = request(url, { agent: false, rejectUnauthorized: false, timeout: patience }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => { text += chunk }).on('error', failed)
      response.on('end', () => answered({ status: response.statusCode ?? 0, text }))
    })
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${patience / 1000} s`))).on('error', failed).end()
  })
}

import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { ConfigError, loadConfig } from '../config.ts'
import { exitCodes, Failure } from './failure.ts'
import { addManual, type Manual } from './manual.ts'

const manual: Manual = {
  about: `Reads the file as \`moorage serve --config FILE\` would, with the same environment, and starts nothing.
Prints what the gateway would run with, or each problem with its line and column.`,
  environment: { 'MOORAGE_*': 'settings, as for moorage serve: they hold instead of what the file says' },
  exits: { 0: 'the file can be used', 2: 'it cannot' },
  examples: ['moorage check /etc/moorage/moorage.yaml && systemctl reload moorage'],
}

/** `moorage check`. */
export function define(command: Command): void {
  addManual(command, manual).argument('<FILE>', 'YAML file with settings and policies').action(check)
}

function check(file: string): void {
  try {
    const { listen, hosts, store, policies } = loadConfig({ flags: { config: file }, env: process.env, readFile: (path) => readFileSync(path, 'utf8') })
    process.stdout.write(`${file} can be used: listens on ${listen.host}:${listen.port}, ${hosts.length === 1 ? 'host' : 'hosts'} ${hosts.map(({ name }) => name).join(', ')}, `
      + `${store === undefined ? 'store in the state directory' : 'store in Redis'}, policies ${Object.keys(policies).join(', ')}\n`)
  } catch (error) {
    if (error instanceof ConfigError) throw new Failure(error.message, exitCodes.usage, { cause: error })
    throw error
  }
}

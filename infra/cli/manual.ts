import type { Command } from 'commander'

/** What `--help` says below the options. */
export interface Manual {
  /** What options do not say by themselves. */
  about?: string
  /** Variables that are read, with what they are for. */
  environment?: Readonly<Record<string, string>>
  /** What the process ends with, by code. */
  exits: Readonly<Record<number, string>>
  /** Command lines, without the prompt. */
  examples: readonly string[]
}

/** Where commands that talk to a gateway look. */
export const gatewayEnvironment = {
  MOORAGE_GATEWAY: 'URL of the gateway',
  MOORAGE_STATE: "the gateway's state directory",
  MOORAGE_TOKEN: "the operator's token, or one that the operator made",
  MOORAGE_CA: "the gateway's ca.pem",
  XDG_STATE_HOME: 'where the state directory is when nothing names it (default ~/.local/state)',
} as const

/** Adds the manual to the help of a command and of the commands below it. */
export function addManual(command: Command, manual: Manual): Command {
  return command.addHelpText('afterAll', manualText(manual))
}

/** The text itself, for what is not to be said of the commands below too. */
export function manualText({ about, environment = {}, exits, examples }: Manual): string {
  const variables = Object.entries(environment)
  return [
    ...(about === undefined ? [] : ['', about]),
    '', 'Environment:', ...(variables.length > 0 ? listed(variables) : ['  none is read']),
    '', 'Exit codes:', ...listed(Object.entries(exits)),
    '', 'Examples:', ...examples.map((line) => `  $ ${line}`),
  ].join('\n')
}

function listed(entries: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, what]) => `  ${name.padEnd(width)}  ${what}`)
}

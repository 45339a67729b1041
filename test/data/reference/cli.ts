import type { Command } from 'commander'
import { wholeProgram } from '../../../infra/cli/run.ts'
import { page } from './markdown.ts'

/** docs/reference/cli.md: what --help says, of the program and of every command. */
export async function cli(): Promise<string> {
  const program = await wholeProgram()
  const all = program.commands.flatMap((command) => [command, ...command.commands])
  return page('Command line', 'What `--help` says. All commands end with 0 when done, 1 when they failed, 2 for wrong usage or configuration, and 3 when the gateway refused; messages are on '
    + 'standard error, what is to be read by programs on standard output.', ...[program, ...all].map((command) => `## ${nameOf(command)}\n\`\`\`\n${helpOf(command)}\n\`\`\``))
}

function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name()
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (part) => { text += part }, getOutHelpWidth: () => 150, getOutHasColors: () => false })
  // What is below a command says again what that one says of variables and codes.
  if (command.parent?.parent) text = command.helpInformation()
  else command.outputHelp()
  return text.trimEnd()
}

import { Command, CommanderError } from 'commander'
import metadata from '../../package.json' with { type: 'json' }
import { exitCodes, Failure } from './failure.ts'
import { manualText, type Manual } from './manual.ts'

interface Entry {
  summary: string
  /** Adds arguments, options and the action; loaded only for the command that is typed, so that every start is fast. */
  load(): Promise<{ define(command: Command): void }>
}

const commands: Record<string, Entry> = {
  serve: { summary: 'run the gateway in front of a Docker engine', load: () => import('./serve.ts') },
  open: { summary: 'open a namespace and print how docker reaches it', load: () => import('./open.ts') },
  forward: { summary: 'make published ports appear on localhost beside the job', load: () => import('./forward.ts') },
  list: { summary: 'list the open namespaces', load: () => import('./list.ts') },
  close: { summary: 'close namespaces and remove everything they own', load: () => import('./close.ts') },
  token: { summary: 'make, list and end tokens for CI systems without OIDC', load: () => import('./token.ts') },
  policy: { summary: 'suggest a policy from what was refused or observed', load: () => import('./policy.ts') },
  check: { summary: 'tell whether a config file can be used', load: () => import('./check.ts') },
  health: { summary: 'ask whether the gateway on this machine lives', load: () => import('./health.ts') },
  completion: { summary: 'print a completion script for bash, zsh or fish', load: () => import('./completion.ts') },
  hosts: { summary: 'list, add, drain and remove the engines jobs run on', load: () => import('./hosts.ts') },
  explain: { summary: 'tell what the gateway would make of a Docker API request', load: () => import('./explain.ts') },
}

const manual: Manual = {
  about: 'moorage COMMAND --help tells more, of what is below a command too.',
  environment: { 'MOORAGE_*': 'what flags say otherwise; each command lists its own' },
  exits: { 0: 'done', 1: 'failed', 2: 'wrong usage or configuration', 3: 'refused by the gateway' },
  examples: ['moorage serve &', 'eval "$(moorage open)"', 'docker run --rm busybox echo hello'],
}

/** The program with these commands defined; of the others it knows the names, so that every start is fast. */
async function programWith(isWanted: (name: string) => boolean): Promise<Command> {
  const program = new Command('moorage')
    .description(metadata.description)
    .version(metadata.version)
    .addHelpText('after', manualText(manual))
    .exitOverride()
    .enablePositionalOptions()
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = program.command(name).description(summary)
    if (isWanted(name)) (await load()).define(command)
  }
  return program
}

/** Runs the command line and tells the exit code. */
export async function run(argv: string[]): Promise<number> {
  const words = argv.filter((word) => !word.startsWith('-')).slice(0, 2)
  const wanted = words[0] === 'help' ? words[1] : words[0]
  const program = await programWith((name) => name === wanted)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exitCodes.done
  } catch (error) {
    return codeOf(error)
  }
}

/** The program with every command defined, to be read and not to be run. */
export function wholeProgram(): Promise<Command> {
  return programWith(() => true)
}

/** Every command with its long options, for completion. */
export async function describeCommands(): Promise<{ name: string, summary: string, options: { flag: string, comment: string }[] }[]> {
  return (await wholeProgram()).commands.map((command) => {
    const options = [command, ...command.commands].flatMap((one) => one.options).map(({ long, description }) => ({ flag: long ?? '', comment: description }))
    return { name: command.name(), summary: command.description(), options: options.filter(({ flag }, at) => options.findIndex((one) => one.flag === flag) === at) }
  })
}

function codeOf(error: unknown): number {
  // Commander has printed its own message by now; its code is 0 after --help.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  if (!(error instanceof Failure)) {
    console.error(error)
    return exitCodes.failed
  }
  if (error.message) console.error(error.message)
  return error.exitCode
}

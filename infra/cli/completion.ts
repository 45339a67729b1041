import { Argument, type Command } from 'commander'
import { exitCodes, Failure } from './failure.ts'
import { addManual, type Manual } from './manual.ts'

const manual: Manual = {
  about: 'Prints a script that completes commands and options.',
  exits: { 0: 'done', 2: 'wrong usage' },
  examples: [
    'moorage completion bash > /etc/bash_completion.d/moorage',
    'moorage completion zsh > "${fpath[1]}/_moorage"',
    'moorage completion fish > ~/.config/fish/completions/moorage.fish',
  ],
}

/** A command with the long options it has. */
interface Known {
  name: string
  summary: string
  options: { flag: string, comment: string }[]
}

/** `moorage completion`. */
export function define(command: Command): void {
  addManual(command, manual).addArgument(new Argument('<SHELL>', 'which shell it is for').choices(['bash', 'zsh', 'fish'])).action(async (shell: string) => {
    const { describeCommands } = await import('./run.ts')
    const known = await describeCommands()
    const write = { bash, zsh, fish }[shell]
    if (!write) throw new Failure(`No completion for ${shell}`, exitCodes.usage)
    process.stdout.write(write(known))
  })
}

function bash(commands: Known[]): string {
  const cases = commands.map(({ name, options }) => `    ${name}) words="${options.map(({ flag }) => flag).join(' ')}" ;;`).join('\n')
  return `# bash completion of moorage
_moorage() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words
  case "\${COMP_WORDS[1]}" in
${cases}
    *) words="" ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="${commands.map(({ name }) => name).join(' ')}"; fi
  if [[ "$word" == -* || "$COMP_CWORD" -eq 1 ]]; then COMPREPLY=($(compgen -W "$words" -- "$word"))
  else COMPREPLY=($(compgen -f -- "$word")); fi
}
complete -F _moorage moorage
`
}

/** A text without what quotes, zsh's descriptions and fish take for special. */
function plain(text: string): string {
  return text.replaceAll("'", '').replace(/[[\]:\\]/g, ' ')
}

function zsh(commands: Known[]): string {
  const cases = commands.map(({ name, options }) =>
    `    ${name}) _arguments ${options.map(({ flag, comment }) => `'${flag}[${plain(comment)}]'`).join(' ')} '*:file:_files' ;;`).join('\n')
  return `#compdef moorage
_moorage() {
  local -a commands=(${commands.map(({ name, summary }) => `'${name}:${plain(summary)}'`).join(' ')})
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command="\${words[2]}"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases}
  esac
}
_moorage "$@"
`
}

function fish(commands: Known[]): string {
  const lines = commands.flatMap(({ name, summary, options }) => [
    `complete -c moorage -n __fish_use_subcommand -f -a ${name} -d '${plain(summary)}'`,
    ...options.map(({ flag, comment }) => `complete -c moorage -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)} -d '${plain(comment)}'`),
  ])
  return `# fish completion of moorage\n${lines.join('\n')}\n`
}

import type { HostFacts } from '../engine.ts'
import { compareVersions } from '../go.ts'
import { labelPrefix } from '../names.ts'
import { forbidden, Refusal } from '../refusal.ts'

/** Instructions that only set an image's config (moby, builder/dockerfile validCommitCommands). */
const instructions = new Set(['CMD', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'HEALTHCHECK', 'LABEL', 'ONBUILD', 'STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR'])

/**
 * The instructions of `changes` (commit, import), one a line: continued lines are joined, comments and empty lines left out, so that there is
 * one way to read them. Throws `Refusal` 400 with the engine's words for any other instruction.
 */
export function changeLines(changes: readonly string[], { apiVersion }: Pick<HostFacts, 'apiVersion'>): string[] {
  return changes.flatMap(joinedLines).map((line) => {
    const word = line.split(/\s/, 1)[0]!
    if (line.includes(labelPrefix) && word.toUpperCase() === 'LABEL') throw ownLabel()
    if (instructions.has(word.toUpperCase())) return line
    throw new Refusal(400, `${compareVersions(apiVersion, '1.42') < 0 ? word.toLowerCase() : word.toUpperCase()} is not a valid change command`)
  })
}

function ownLabel(): Refusal {
  return forbidden({ field: 'changes', why: `labels starting with ${labelPrefix} are the gateway's own`, instead: 'choose another label' })
}

function joinedLines(text: string): string[] {
  const lines: string[] = []
  let open = ''
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(#|$)/.test(line)) continue
    const continued = /\\\s*$/.exec(line)
    open += continued ? line.slice(0, continued.index) : line
    if (continued) continue
    lines.push(open.trim())
    open = ''
  }
  return [...lines, open.trim()].filter((line) => line !== '')
}

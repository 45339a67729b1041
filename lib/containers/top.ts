import { Refusal } from '../refusal.ts'

/**
 * The arguments of `docker top`, with which the engine runs `ps` on its host (moby, daemon/top_unix.go). It looks for the container's
 * processes by the text under the title PID, so that another column in its place, or one with spaces before it, would tell of any process
 * there. Allowed are options that only choose among fixed forms, and columns that begin with `pid`.
 */
const bsdLetters = /^[acefgjlmnruvwxHST]+$/
const unixLetters = /^-[aAcdefFHjlLmTwy]+$/
const columns = /^%?[a-z_]+(,%?[a-z_]+)*$/
const longest = 256

/** Reads the query parameter `ps_args`. Throws `Refusal` 403 for what could select other processes. */
export function psArguments(values: readonly string[] | undefined): string | undefined {
  const value = values?.[0]
  if (value === undefined || value === '') return value
  if (value.length <= longest && isHarmless(value.split(' '))) return value
  throw new Refusal(403, `ps_args is not allowed in this namespace: ${JSON.stringify(value.slice(0, 100))} could tell of processes outside the container; use letters such as aux or -ef, and columns that begin with pid, as in -o pid,comm`, 'ps_args')
}

function isHarmless(words: readonly string[]): boolean {
  let chosen: string | undefined
  for (let i = 0; i < words.length; i++) {
    const [, letters = '', list] = /^(-?[A-Za-np-z]*)o(.*)$/.exec(words[i]!) ?? []
    if (list === undefined) {
      if (!isCluster(words[i]!)) return false
      continue
    }
    if (letters !== '' && letters !== '-' && !isCluster(letters)) return false
    const named = list === '' ? words[++i] ?? '' : list
    if (!columns.test(named)) return false
    chosen ??= named
  }
  return chosen === undefined || chosen.split(',', 1)[0] === 'pid'
}

function isCluster(word: string): boolean {
  return bsdLetters.test(word) || unixLetters.test(word)
}

import { Failure, exitCodes } from './failure.ts'

/** A word as a POSIX shell reads it back (POSIX.1-2024, Shell Command Language, 2.2). */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** `export A=1 B=2`, for `eval`. */
export function exportLine(env: Readonly<Record<string, string>>): string {
  return `export ${Object.entries(env).map(([name, value]) => `${name}=${shellWord(value)}`).join(' ')}\n`
}

/** Text of others, without the control characters that would drive the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\uFFFD')
}

/** Columns as wide as their widest cell, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((so, row) => row.map((cell, index) => Math.max(so[index] ?? 0, cell.length)), [])
  return rows.map((row) => `${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ').trimEnd()}\n`).join('')
}

const secondsOf: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 }

/** Seconds of `90`, `90s`, `30m`, `2h` or `1d`. */
export function parseDuration(text: string): number {
  const [, count, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? []
  const seconds = Number(count) * Number(secondsOf[unit])
  if (!(seconds >= 1)) throw new Failure(`${text} is no duration; give at least one second, such as 90s, 30m, 2h or 1d`, exitCodes.usage)
  return seconds
}

/** A length of time in its largest whole unit: `5 min`. */
export function shortDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const [unit, size] = ([['d', 86400], ['h', 3600], ['min', 60]] as const).find(([, length]) => seconds >= 2 * length) ?? ['s', 1]
  return `${Math.floor(seconds / size)} ${unit}`
}

/** A number of bytes in its largest unit with one decimal at most: `1.5 GiB`. */
export function bytes(count: number): string {
  const [unit, size] = ([['GiB', 1024 ** 3], ['MiB', 1024 ** 2], ['KiB', 1024]] as const).find(([, least]) => count >= least) ?? ['B', 1]
  return `${Number((count / size).toFixed(1))} ${unit}`
}

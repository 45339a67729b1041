import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** The text of a file, or undefined when there is no such file. Throws when it cannot be read. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Writes a file that only its owner can read (mode 0600), whole or not at all. */
export function writePrivately(path: string, text: string): void {
  const draft = `${path}.${process.pid}.new`
  rmSync(draft, { force: true })
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx', flush: true })
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

/** Was it thrown because a disk, or one's quota of it, is full? Of files and of SQLite's (13: SQLITE_FULL). */
export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '') || (error instanceof Error && 'errcode' in error && error.errcode === 13)
}

/** The code of a system error (`ENOENT`), or undefined for anything else that was thrown. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

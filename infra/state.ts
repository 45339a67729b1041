import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { readIfThere, writePrivately } from './files.ts'

/** Where a running gateway answers: written while it listens. */
export interface GatewayRecord {
  /** `https://HOST:PORT` as a client on this machine reaches it. */
  url: string
  pid: number
}

/** The state directory of one gateway, locked for it. */
export interface State {
  readonly directory: string
  /** Was it made just now? */
  readonly fresh: boolean
  /** What an operator proves to be one with: 32 random bytes, base64url; compare in constant time. */
  readonly operatorToken: string
  /** What this farm derives names from that nobody may guess: 32 random bytes, base64url; never told to anybody. */
  readonly secret: string
  /** The path of a file in the directory. */
  path(name: string): string
  /** Tells the commands on this machine where the gateway answers. */
  announce(gateway: GatewayRecord): void
  /** Withdraws the announcement and gives the directory free. */
  release(): void
}

/**
 * Takes a state directory for this process: makes it (mode 0700) and its operator token (mode 0600) when absent, and locks it.
 *
 * The lock is SQLite's own on a file of the directory, so the kernel ends it with the process: a killed gateway leaves nothing
 * stale, and a process number that was used again means nothing. Throws when another process
 * holds it, naming its pid, and when other users may write to the directory.
 */
export function openState(directory: string): State {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  refuseShared(directory)
  const path = (name: string) => join(directory, name)
  const unlock = lock(directory)
  const withdraw = () => rmSync(path('gateway.json'), { force: true })
  withdraw()
  let held = true
  const fresh = readOperatorToken(directory) === undefined
  if (fresh) createKey(directory, 'operator-token')
  if (!readIfThere(path('secret'))?.trim()) createKey(directory, 'secret')
  return {
    directory, fresh,
    get operatorToken() { return readOperatorToken(directory)! },
    get secret() { return readIfThere(path('secret'))!.trim() },
    path,
    announce: (gateway) => writePrivately(path('gateway.json'), `${JSON.stringify(gateway)}\n`),
    release() {
      if (!held) return
      held = false
      withdraw()
      unlock()
    },
  }
}

/** The operator token of a state directory, or undefined when it has none. Throws when it cannot be read. */
export function readOperatorToken(directory: string): string | undefined {
  return readIfThere(join(directory, 'operator-token'))?.trim() || undefined
}

/** Where the gateway of a state directory answers, or undefined when none has announced itself. */
export function readGateway(directory: string): GatewayRecord | undefined {
  const text = readIfThere(join(directory, 'gateway.json'))
  return text === undefined ? undefined : JSON.parse(text)
}

function createKey(directory: string, name: string): void {
  writePrivately(join(directory, name), `${randomBytes(32).toString('base64url')}\n`)
}

/** What others may write to is no place for keys; changing its mode unasked could break what it is used for (`--state /tmp`). */
function refuseShared(directory: string): void {
  if ((statSync(directory).mode & 0o022) === 0) return
  throw new Error(`The state directory ${directory} can be written to by other users; `
    + `run \`chmod 700 ${directory}\`, or give another directory with --state`)
}

/** Takes the directory's lock; the answer gives it back. */
function lock(directory: string): () => void {
  const pidFile = join(directory, 'gateway.pid')
  const lockFile = join(directory, 'lock.sqlite')
  closeSync(openSync(lockFile, 'a', 0o600))
  const database = new DatabaseSync(lockFile, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!isBusy(error)) throw error
    throw new Error(`The state directory ${directory} is in use by the gateway with pid ${readIfThere(pidFile)?.trim() ?? 'unknown'}; `
      + 'stop that gateway, or give this one a directory of its own with --state', { cause: error })
  }
  writePrivately(pidFile, `${process.pid}\n`)
  return () => {
    rmSync(pidFile, { force: true })
    database.close()
  }
}

/** SQLITE_BUSY (5): somebody else holds the lock. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5
}

/** Where state is kept when nobody says otherwise (XDG Base Directory Specification). */
export function defaultStateDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const base = env['XDG_STATE_HOME']
  // The specification has relative paths ignored.
  return join(base && isAbsolute(base) ? base : join(env['HOME'] || homedir(), '.local', 'state'), 'moorage')
}

import { spawn, spawnSync } from 'node:child_process'
import { buffer } from 'node:stream/consumers'

export interface Outcome {
  /** Exit code; null when a signal ended it. */
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  /** The same as `stdout`, for what is no text. */
  bytes: Buffer
}

export interface CommandOptions {
  input?: string | Uint8Array
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Milliseconds after which it is killed, so that a hang fails. */
  timeout?: number
}

/** Runs a program to its end without blocking, whatever its exit code. Rejects when it cannot be started. */
export async function command(file: string, args: readonly string[], { input, timeout = 120_000, ...options }: CommandOptions = {}): Promise<Outcome> {
  const child = spawn(file, args, { ...options, timeout, killSignal: 'SIGKILL' })
  // A program may end without reading what it is given.
  child.stdin.on('error', () => {}).end(input)
  const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject).on('close', (...end) => resolve(end))
  })
  const [bytes, errors, [status, signal]] = await Promise.all([buffer(child.stdout), buffer(child.stderr), ended])
  return { status, signal, stdout: bytes.toString(), stderr: errors.toString(), bytes }
}

/** Runs a program that must succeed, and answers what it printed. Throws with what it said otherwise. */
export function must(file: string, args: readonly string[], options: { cwd?: string, env?: NodeJS.ProcessEnv, input?: string } = {}): string {
  const { status, signal, stdout, stderr, error } = spawnSync(file, args, { ...options, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (status === 0) return stdout
  throw new Error(`${file} ${args.join(' ')}: ${error?.message ?? signal ?? `exit code ${status}`}\n${stdout}${stderr}`.trim())
}

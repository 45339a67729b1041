import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { parseArgs } from 'node:util'
import { clearLeftovers } from './setup/engine-directory.ts'
import { reachableFrom } from './setup/import-graph.ts'
import { install } from './setup/install.ts'
import { root } from './setup/paths.ts'
import { startSharedEngines } from './setup/shared-engine.ts'
import { report } from './setup/reporter.ts'
import { total } from './setup/tally.ts'
import { watch } from './setup/watchdog.ts'

/**
 * `npm test [-- [--name PATTERN] [PATH...]]`: all test files, or those under the paths. Installs and starts engines when
 * one of the files wants them. Exit codes: 0 all passed, 1 one failed or none ran.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { name: { type: 'string' } } })

/** Milliseconds after which a test, and a whole file, hangs. */
const [testTimeout, fileTimeout] = [240_000, 300_000]

function selectedFiles(): string[] {
  const files = globSync('test/**/*.test.ts', { cwd: root }).toSorted()
  const wanted = positionals.map((path) => relative(root, join(process.cwd(), path)))
  const unknown = wanted.find((path) => !files.some((file) => isUnder(file, path)))
  if (unknown !== undefined) throw new Error(`There are no tests at ${unknown}`)
  return files.filter((file) => wanted.length === 0 || wanted.some((path) => isUnder(file, path))).map((file) => join(root, file))
}

function isUnder(file: string, path: string): boolean {
  return path === '' || file === path || file.startsWith(`${path.replace(/\/$/, '')}/`)
}

const [installs, shares] = ['install.ts', 'shared-engine.ts'].map((file) => join(root, 'test/setup', file))

async function prepare(files: string[]): Promise<() => void> {
  const reached = new Set(files.flatMap((file) => [...reachableFrom(file)]))
  if (reached.has(String(installs))) install()
  if (!reached.has(String(shares))) return () => {}
  const engines = await startSharedEngines()
  Object.assign(process.env, engines.env)
  return engines.stop
}

async function main(): Promise<number> {
  const files = selectedFiles()
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort())
  const stop = await prepare(files)
  const write = (text: string) => void process.stdout.write(text)
  const endWatch = watch(files, fileTimeout, (file) => write(`${relative(root, file)} still runs after ${fileTimeout / 1000} s: killed\n`))
  const events = run({
    files, cwd: root, concurrency: Math.min(2, availableParallelism()), timeout: testTimeout, signal: stopping.signal,
    ...(values.name ? { testNamePatterns: [values.name] } : {}),
  })
  const counts = await report(events, write)
  endWatch()
  stop()
  // Engines of test files that were killed.
  clearLeftovers()
  write(`\n${total(counts)}\n`)
  return counts.failed > 0 || counts.passed === 0 || stopping.signal.aborted ? 1 : 0
}

process.exitCode = await main()

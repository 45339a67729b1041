import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { clearLeftovers } from './setup/engine-directory.ts'
import { reachableFrom } from './setup/import-graph.ts'
import { install } from './setup/install.ts'
import { root } from './setup/paths.ts'
import { startSharedEngines } from './setup/shared-engine.ts'
import { tally } from './setup/tally.ts'

/**
 * `npm test [-- [--name PATTERN] [PATH...]]`: all test files, or those under the paths. Installs and starts engines when
 * one of the files wants them. Exit codes: 0 all passed, 1 one failed or none ran.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { name: { type: 'string' } } })

/** A file that takes longer hangs. */
const fileTimeout = 300_000

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
  const stop = await prepare(files)
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopping.abort())
  const events = run({
    files, cwd: root, concurrency: Math.min(2, availableParallelism()), timeout: fileTimeout, signal: stopping.signal,
    ...(values.name ? { testNamePatterns: [values.name] } : {}),
  })
  const counts = tally(events)
  const printed = events.compose(new spec())
  printed.pipe(process.stdout, { end: false })
  await new Promise((resolve) => printed.on('end', resolve))
  stop()
  // Engines of test files that were killed.
  clearLeftovers()
  const { passed, failed, skipped } = counts
  console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  return failed > 0 || passed === 0 || stopping.signal.aborted ? 1 : 0
}

process.exit(await main())

import { globSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { clearLeftovers } from './setup/engine-directory.ts'
import { reachableFrom } from './setup/import-graph.ts'
import { install } from './setup/install.ts'
import { root } from './setup/paths.ts'
import { runFiles } from './setup/run-files.ts'
import { startSharedEngines } from './setup/shared-engine.ts'
import { sum, total, type Counts } from './setup/tally.ts'

/**
 * `npm test [-- [--name PATTERN] [PATH...]]`: all test files, or those under the paths. Installs and starts engines when
 * one of the files wants them. Exit codes: 0 all passed, 1 one failed or none ran.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { name: { type: 'string' } } })

/** Files that failed are run again, alone and on new engines, this many times: two cores with several engines and clients starve a client now and then. */
const secondChances = 2

/** More failed files than this are no accident. */
const mostRepeated = 8

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

const write = (text: string) => void process.stdout.write(text)

async function runOn(files: string[], atOnce: number, signal: AbortSignal): Promise<Map<string, Counts>> {
  const stop = await prepare(files)
  try {
    return await runFiles(files, { atOnce, signal, write, ...(values.name ? { name: values.name } : {}) })
  } finally {
    stop()
    // Engines of test files that were killed.
    clearLeftovers()
  }
}

async function main(): Promise<number> {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort())
  const results = await runOn(selectedFiles(), 2, stopping.signal)
  for (let chance = 0; chance < secondChances && !stopping.signal.aborted; chance++) {
    const failed = [...results].filter(([, { failed: count }]) => count > 0).map(([file]) => file)
    if (failed.length === 0 || failed.length > mostRepeated) break
    write(`\nOnce more, alone: ${failed.map((file) => relative(root, file)).join(' ')}\n`)
    for (const [file, counts] of await runOn(failed, 1, stopping.signal)) results.set(file, counts)
  }
  const counts = sum(results.values())
  write(`\n${total(counts)}\n`)
  return counts.failed > 0 || counts.passed === 0 || stopping.signal.aborted ? 1 : 0
}

process.exitCode = await main()

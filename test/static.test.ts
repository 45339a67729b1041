import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { command } from './setup/command.ts'
import { importsOf, reachableFrom } from './setup/import-graph.ts'
import { root } from './setup/paths.ts'

async function passes(tool: string, ...args: string[]): Promise<void> {
  const { status, stdout, stderr } = await command(join(root, 'node_modules/.bin', tool), args, { cwd: root })
  assert.equal(status, 0, `${tool} ${args.join(' ')}\n${stdout}${stderr}`)
}

test('the types hold', () => passes('tsc', '--noEmit'))

test('the linter finds nothing', () => passes('oxlint', '--deny-warnings'))

/** What would tie a file to Node or to a store, so that it could not run in a Worker. */
const impure = /^(node:|undici|ioredis|pino|@hono\/node-server)/

test('lib/ imports neither Node, nor what needs it, nor infra/, directly or through others', () => {
  const files = globSync('lib/**/*.ts', { cwd: root }).map((file) => join(root, file))
  assert.ok(files.length > 0)
  const offences = files.flatMap((file) => [...reachableFrom(file)]).flatMap((file) => {
    const name = relative(root, file)
    const imported = importsOf(readFileSync(file, 'utf8')).filter((specifier) => impure.test(specifier))
    return [...name.startsWith('lib/') || name === 'package.json' ? [] : [`lib/ reaches ${name}`], ...imported.map((specifier) => `${name} imports ${specifier}`)]
  })
  assert.deepEqual([...new Set(offences)], [])
})

test('imports are found in all their forms, and those of types are left out', () => {
  const source = `import type { A } from 'type-only'
import { b } from 'named'
import c, {
  d,
} from './several-lines.ts'
import 'side-effect'
export * from "./again.ts"
export type { E } from './type.ts'
const f = await import('./dynamic.ts')`
  assert.deepEqual(importsOf(source), ['named', './several-lines.ts', 'side-effect', './again.ts', './dynamic.ts'])
})

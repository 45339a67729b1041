import assert from 'node:assert/strict'
import { globSync, readFileSync, statSync } from 'node:fs'
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
const impure = /^(node:|undici$|undici\/|ioredis|pino|@hono\/node-server)/

for (const folder of ['lib', 'functions']) {
  test(`${folder}/ imports neither Node, nor what needs it, nor infra/, directly or through others, not even types`, () => {
    const files = globSync(`${folder}/**/*.ts`, { cwd: root }).map((file) => join(root, file))
    assert.ok(files.length > 0)
    const reached = new Set(files.flatMap((file) => [...reachableFrom(file, { types: true })]))
    assert.deepEqual([...reached].flatMap(offences), [])
  })
}

function offences(file: string): string[] {
  const name = relative(root, file)
  const imported = importsOf(readFileSync(file, 'utf8'), { types: true }).filter((specifier) => impure.test(specifier))
  const isInside = /^(lib|functions)\//.test(name) || name === 'package.json'
  return [...isInside ? [] : [`${name} is reached`], ...imported.map((specifier) => `${name} imports ${specifier}`)]
}

test('imports are found in all their forms, those of types only when asked for', () => {
  const source = `import type { A } from 'type-only'
import { b } from 'named'
import c, {
  d,
} from './several-lines.ts'
import 'side-effect'
export * from "./again.ts"
export type { E } from './type.ts'
export const h = 1
const f = await import('./dynamic.ts')`
  const running = ['named', './several-lines.ts', 'side-effect', './again.ts', './dynamic.ts']
  assert.deepEqual(importsOf(source), running)
  assert.deepEqual(importsOf(source, { types: true }).toSorted(), [...running, 'type-only', './type.ts'].toSorted())
})

test('no file that people read has more than 400 lines', () => {
  const files = globSync(['*.*', '{docs,functions,infra,lib,test}/**/*.*'], { cwd: root, exclude: ['package-lock.json', 'test/data/**', 'docs/reference/**', 'lib/buildkit/proto/**'] })
  assert.ok(files.includes('README.md') && files.includes('test/static.test.ts'))
  const isLong = (file: string) => statSync(join(root, file)).isFile() && readFileSync(join(root, file), 'utf8').split('\n').length > 401
  assert.deepEqual(files.filter(isLong), [])
})

test('what a gateway says goes through its log, so that a log of JSON is nothing else', () => {
  // A Worker has no other log; commands of the command line talk to people.
  const files = globSync('{lib,functions,infra}/**/*.ts', { cwd: root, exclude: ['infra/worker/**', 'infra/cli/**', 'infra/observe/log.ts', 'infra/hosts/helper/build.ts'] })
  assert.ok(files.includes('infra/closing.ts'))
  assert.deepEqual(files.filter((file) => /\bconsole\.|process\.std(err|out)/.test(readFileSync(join(root, file), 'utf8'))), [])
})

test('the lock file names packages, and not where somebody once got them', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  assert.ok(Object.keys(packages).length > 1)
  assert.deepEqual(Object.keys(packages).filter((name) => packages[name].resolved !== undefined), [])
})

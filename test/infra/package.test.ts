import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { docker } from '../setup/cli.ts'
import { command, must } from '../setup/command.ts'
import { startGateway, type Gateway } from '../setup/gateway.ts'
import { root } from '../setup/paths.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

describe('the package', () => {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-package-'))
  const clean = join(directory, 'clean')
  const program = join(clean, 'node_modules/moorage/infra/cli/main.js')
  let gateway: Gateway

  before(async () => {
    must('npm', ['pack', '--pack-destination', directory], { cwd: root })
    const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz'))
    mkdirSync(clean)
    must('npm', ['init', '-y'], { cwd: clean })
    // Node comes with the machine here: its install script is not what is tested.
    must('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', join(directory, String(tarball))], { cwd: clean })
    gateway = await startGateway({ engineSocket: (await sharedEngine('28.5')).socket, program, flags: ['--shared-image', 'busybox:latest'] })
  })
  after(async () => {
    await gateway.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  test('is installed in a clean directory as `npx moorage`', () => {
    assert.match(must(join(clean, 'node_modules/.bin/moorage'), ['--version']), /^\d+\.\d+\.\d+\n$/)
  })

  test('holds no sources of tests and nothing that only a checkout needs', () => {
    assert.deepEqual(readdirSync(join(clean, 'node_modules/moorage')).filter((name) => ['test', 'functions', 'lib', '.ci'].includes(name)), [])
  })

  test('serves a namespace to docker', async () => {
    const { env } = await gateway.open()
    assert.equal(await docker(env, ['run', '--rm', 'busybox', 'echo', 'from the package']), 'from the package')
  })

  test('says which Node it needs when it is run by an older one that has no newer among its dependencies', async () => {
    const old = ['-e', `Object.defineProperty(process.versions, 'node', { value: '20.0.0' }); import(${JSON.stringify(program)})`]
    const { status, stderr } = await command(process.execPath, old, { cwd: clean, env: { ...process.env, NODE_PATH: '' } })
    assert.equal(status, 2)
    assert.match(stderr, /^moorage needs Node 22\.19 or newer, this is 20\.0\.0/)
  })
})

import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { environment, main, moorage } from './harness.ts'

const root = mkdtempSync(join(tmpdir(), 'moorage-serve-'))
const running = new Set<ChildProcess>()

after(() => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(root, { recursive: true })
})

/** Serves in front of an engine that is not there, until it has said where it listens. */
async function serving(state: string, ...parameters: string[]) {
  const child = spawn(process.execPath, [main, 'serve', '--state', state, '--listen', '127.0.0.1:0', '--host', `unix://${root}/no-engine.sock`, ...parameters],
    { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => { said.stdout += text })
  child.stderr.setEncoding('utf8').on('data', (text) => { said.stderr += text })
  const until = async (pattern: RegExp) => {
    while (!pattern.test(said.stderr)) {
      assert.ok(running.has(child), `ended early: ${said.stderr}`)
      await Promise.race([once(child.stderr, 'data'), once(child, 'exit')])
    }
  }
  await until(/listens on/)
  return { child, said, until }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
  return child.exitCode
}

describe('moorage serve', () => {
  it('says where it listens and how to get an engine while there is none, on stderr only', async () => {
    const state = join(root, 'talk')
    const { child, said, until } = await serving(state)
    await until(/No Docker engine/)
    assert.match(said.stderr, new RegExp(`Moorage listens on https://127\\.0\\.0\\.1:\\d+; its state is in ${state}\\.`))
    assert.match(said.stderr, /No Docker engine answers at unix:\/\/.*no-engine\.sock .*apt-get install docker\.io.*--host URL.*keeps trying/)
    assert.doesNotMatch(said.stderr, /Next/)
    assert.equal(await ended(child, 'SIGTERM'), 0)
    assert.equal(said.stdout, '')
  })

  it('is found by the other commands through its state directory, and no more once it has stopped', async () => {
    const state = join(root, 'found')
    const { child } = await serving(state)
    const list = await moorage(['list', '--state', state, '--json'])
    assert.deepEqual([list.code, list.stdout], [0, '[]\n'], list.stderr)
    assert.equal((await moorage(['open', '--state', state])).code, 1)
    assert.equal((await moorage(['close', 'abcdefghij012345', '--state', state])).code, 3)
    assert.equal(await ended(child, 'SIGINT'), 0)
    assert.equal(existsSync(join(state, 'gateway.json')), false)
    assert.match((await moorage(['list', '--state', state])).stderr, /npm start/)
  })

  it('ends well when Ctrl-C arrives twice, as it does under npm', async () => {
    const { child } = await serving(join(root, 'twice'))
    child.kill('SIGINT')
    assert.equal(await ended(child, 'SIGINT'), 0)
  })

  it('starts again after a kill with the same authority and token', async () => {
    const state = join(root, 'killed')
    const read = () => ['ca.pem', 'operator-token', 'server.pem'].map((file) => readFileSync(join(state, file), 'utf8'))
    const first = await serving(state)
    const before = read()
    await ended(first.child, 'SIGKILL')
    const second = await serving(state)
    assert.deepEqual(read(), before)
    await ended(second.child, 'SIGTERM')
  })

  it('says why it did not start in JSON where its log is that', async () => {
    const { child } = await serving(join(root, 'first'), '--log-format', 'json')
    const again = await moorage(['serve', '--state', join(root, 'first'), '--listen', '127.0.0.1:0', '--log-format', 'json'])
    assert.equal(again.code, 1)
    assert.deepEqual(again.stderr.trim().split('\n').map((line) => { const { level, msg } = JSON.parse(line); return [level, /in use by the gateway with pid/.test(msg)] }), [[50, true]])
    await ended(child, 'SIGTERM')
  })

  it('does not share its state directory or its address', async () => {
    const state = join(root, 'shared')
    const { child } = await serving(state)
    const again = await moorage(['serve', '--state', state, '--listen', '127.0.0.1:0'])
    assert.equal(again.code, 1)
    assert.match(again.stderr, new RegExp(`in use by the gateway with pid ${child.pid}; .*--state`))
    const { url } = JSON.parse(readFileSync(join(state, 'gateway.json'), 'utf8'))
    const address = new URL(url).host
    const beside = await moorage(['serve', '--state', join(root, 'beside'), '--listen', address])
    assert.equal(beside.code, 1)
    assert.match(beside.stderr, new RegExp(`${address} is in use by another program.*--listen`))
    await ended(child, 'SIGTERM')
  })
})

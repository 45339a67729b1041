import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { openState, readGateway, readOperatorToken } from '../../infra/state.ts'

const root = mkdtempSync(join(tmpdir(), 'moorage-state-'))
const mode = (path: string) => statSync(path).mode & 0o777

/** A process of its own that takes the directory and keeps it until it is killed. */
async function elsewhere(directory: string) {
  const program = `
    import { openState } from ${JSON.stringify(new URL('../../infra/state.ts', import.meta.url).href)}
    openState(${JSON.stringify(directory)}).announce({ url: 'https://127.0.0.1:1', pid: process.pid })
    setInterval(() => {}, 1000)
    process.stdout.write('taken')`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

describe('the state directory', () => {
  after(() => rmSync(root, { recursive: true }))

  it('is made with its parents, for its owner only', () => {
    const state = openState(join(root, 'a/b'))
    assert.equal(mode(join(root, 'a/b')), 0o700)
    assert.equal(mode(state.path('operator-token')), 0o600)
    state.release()
  })

  it('is no directory that other users may write to; its mode is left alone', () => {
    const directory = join(root, 'open')
    mkdirSync(directory)
    for (const shared of [0o777, 0o770, 0o1777]) {
      chmodSync(directory, shared)
      assert.throws(() => openState(directory), /written to by other users; run `chmod 700 /)
      assert.equal(statSync(directory).mode & 0o7777, shared)
    }
    chmodSync(directory, 0o755)
    openState(directory).release()
    assert.equal(mode(join(directory, 'lock.sqlite')), 0o600)
  })

  it('keeps one operator token of 32 random bytes', () => {
    const directory = join(root, 'token')
    assert.equal(readOperatorToken(directory), undefined)
    const first = openState(directory)
    assert.equal(Buffer.from(first.operatorToken, 'base64url').length, 32)
    first.release()
    const again = openState(directory)
    assert.equal(again.operatorToken, first.operatorToken)
    assert.equal(readOperatorToken(directory), first.operatorToken)
    again.release()
    const other = openState(join(root, 'token2'))
    assert.notEqual(other.operatorToken, first.operatorToken)
    other.release()
  })

  it('tells where the gateway answers from its announcement to its release', () => {
    const directory = join(root, 'announce')
    const state = openState(directory)
    assert.equal(readGateway(directory), undefined)
    state.announce({ url: 'https://127.0.0.1:2376', pid: 7 })
    assert.deepEqual(readGateway(directory), { url: 'https://127.0.0.1:2376', pid: 7 })
    assert.equal(mode(state.path('gateway.json')), 0o600)
    state.release()
    assert.equal(readGateway(directory), undefined)
    const next = openState(directory)
    next.announce({ url: 'https://127.0.0.1:2377', pid: 8 })
    state.release()
    assert.deepEqual(readGateway(directory), { url: 'https://127.0.0.1:2377', pid: 8 })
    assert.throws(() => openState(directory))
    next.release()
  })

  it('is refused to a second gateway, naming the pid of the first, and free after its release', () => {
    const directory = join(root, 'twice')
    const first = openState(directory)
    assert.throws(() => openState(directory), new RegExp(`${directory}.*pid ${process.pid}; .*--state`))
    first.release()
    openState(directory).release()
  })

  it('is refused while another process has it, and taken over once that was killed', async () => {
    const directory = join(root, 'killed')
    const child = await elsewhere(directory)
    assert.throws(() => openState(directory), new RegExp(`pid ${child.pid}`))
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.ok(existsSync(join(directory, 'gateway.pid')))
    const state = openState(directory)
    assert.equal(readGateway(directory), undefined)
    assert.throws(() => openState(directory), new RegExp(`pid ${process.pid}`))
    state.release()
  })
})

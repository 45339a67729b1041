import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { must } from '../../setup/command.ts'
import { startGateway, type Gateway } from '../../setup/gateway.ts'
import { moorage } from './harness.ts'

const directory = mkdtempSync(join(tmpdir(), 'moorage-operators-'))
const file = (name: string, text: string) => {
  writeFileSync(join(directory, name), text)
  return join(directory, name)
}
after(() => rmSync(directory, { recursive: true, force: true }))

describe('moorage check', () => {
  it('says what a gateway would run with', async () => {
    const path = file('good.yaml', 'listen: 127.0.0.1:4000\npolicies: { small: { lifetime: 60 } }\n')
    assert.deepEqual(await moorage(['check', path]), {
      code: 0, stderr: '', stdout: `${path} can be used: listens on 127.0.0.1:4000, host engine, store in the state directory, policies default, strict, build-only, testcontainers, small\n`,
    })
  })

  it('says what is wrong, with line and column', async () => {
    const path = file('bad.yaml', 'listen: 127.0.0.1:4000\npolicies:\n  small: { lifetim: 60 }\n')
    const { code, stderr } = await moorage(['check', path])
    assert.equal(code, 2)
    assert.ok(stderr.startsWith(`${path}:3:12: policies.small.lifetim: unknown key; known here: mode, limits, lifetime`), stderr)
  })
})

describe('moorage health', () => {
  let gateway: Gateway
  before(async () => { gateway = await startGateway({ engineSocket: join(directory, 'nobody.sock'), withoutEngine: true }) })
  after(() => gateway.stop())

  it('says that a gateway lives, and whether it can take work', async () => {
    assert.deepEqual(await moorage(['health', '--state', gateway.stateDir]), { code: 0, stdout: 'ok\n', stderr: '' })
    assert.deepEqual(await moorage(['health', '--ready', '--state', gateway.stateDir]), { code: 1, stdout: '', stderr: 'no host answers\n' })
  })

  it('says that none runs', async () => {
    const { code, stderr } = await moorage(['health', '--state', join(directory, 'nothing')])
    assert.equal(code, 1)
    assert.equal(stderr, `No gateway runs with the state directory ${join(directory, 'nothing')}\n`)
  })
})

describe('moorage completion', () => {
  const complete = async (words: string[]) => {
    const script = file('moorage.bash', (await moorage(['completion', 'bash'])).stdout)
    return must('bash', ['-c', `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _moorage; printf '%s\\n' "\${COMPREPLY[@]}"`, script, 'moorage', ...words])
      .trim().split('\n')
  }

  it('completes commands and their options in bash', async () => {
    assert.deepEqual(await complete(['ex']), ['explain'])
    assert.deepEqual(await complete(['open', '--con']), ['--context'])
    assert.ok((await complete(['serve', '--'])).includes('--listen'))
  })

  it('knows every command in every shell', async () => {
    const { stdout } = await moorage(['--help'])
    const commands = [...stdout.matchAll(/^ {2}([a-z]+)\b.* {2}\w/gm)].map(([, name]) => name!).filter((name) => name !== 'help')
    assert.ok(commands.length >= 8)
    for (const shell of ['bash', 'zsh', 'fish']) {
      const script = (await moorage(['completion', shell])).stdout
      assert.deepEqual(commands.filter((name) => !script.includes(name)), [], shell)
    }
  })
})

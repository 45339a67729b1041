import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Command } from 'commander'
import { wholeProgram } from '../../../infra/cli/run.ts'
import { command } from '../../setup/command.ts'
import { root } from '../../setup/paths.ts'
import { environment, fakeGateway, main, moorage, type FakeGateway } from './harness.ts'

const ns = 'abcdefghij012345'
const listed = {
  id: ns, label: 'build 42', policy: 'default', host: 'engine', state: 'open',
  opened: new Date(Date.now() - 5 * 60_000).toISOString(), expires: new Date(Date.now() + 3 * 3_600_000 + 60_000).toISOString(),
  containers: 2, networks: 1, volumes: 0, images: 7,
}
let gateway: FakeGateway

before(async () => { gateway = await fakeGateway() })
beforeEach(() => { gateway.asked.length = 0 })
after(() => gateway.stop())

const here = (...parameters: string[]) => [...parameters, '--state', gateway.state]

describe('moorage list', () => {
  it('shows the namespaces as a table, with times as people say them', async () => {
    gateway.answer = () => ({ status: 200, body: [listed, { ...listed, id: 'b'.repeat(16), label: '' }] })
    const { code, stdout, stderr } = await moorage(here('list'))
    assert.equal(code, 0, stderr)
    assert.equal(stdout, [
      'NAMESPACE         LABEL     POLICY   HOST    STATE  OPENED     EXPIRES  CONTAINERS  NETWORKS  VOLUMES  IMAGES',
      'abcdefghij012345  build 42  default  engine  open   5 min ago  in 3 h   2           1         0        7',
      'bbbbbbbbbbbbbbbb  -         default  engine  open   5 min ago  in 3 h   2           1         0        7', ''].join('\n'))
    assert.deepEqual(gateway.asked, [{ method: 'GET', path: '/namespaces', token: `Bearer ${gateway.token}`, body: undefined }])
  })

  it('gives the list as it is with --json', async () => {
    gateway.answer = () => ({ status: 200, body: [listed] })
    assert.deepEqual(JSON.parse((await moorage(here('list', '--json'))).stdout), [listed])
  })

  it('lets no label drive the terminal', async () => {
    gateway.answer = () => ({ status: 200, body: [{ ...listed, label: 'x\u001b[2J\u202ey\nz' }] })
    const { stdout } = await moorage(here('list'))
    assert.match(stdout, /x\uFFFD\[2J\uFFFDy\uFFFDz/)
  })

  it('prints nothing on stdout when none is open, and how to open one on stderr', async () => {
    gateway.answer = () => ({ status: 200, body: [] })
    const { code, stdout, stderr } = await moorage(here('list'))
    assert.deepEqual([code, stdout], [0, ''])
    assert.match(stderr, /moorage open/)
  })
})

describe('moorage close', () => {
  const removed = { containers: ['web', 'db'], networks: ['app'], volumes: [], images: [] }

  it('reports what was removed and forgets the certificates', async () => {
    gateway.answer = () => ({ status: 200, body: { id: ns, removed } })
    const directory = join(gateway.state, 'namespaces', ns)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'key.pem'), 'secret')
    const { code, stdout } = await moorage(here('close', ns))
    assert.equal(code, 0)
    assert.equal(stdout, `${ns}: removed 2 containers (web, db), 1 network (app)\n`)
    assert.deepEqual(gateway.asked.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`), [`DELETE /namespaces/${ns}`])
    assert.equal(existsSync(directory), false)
  })

  /** Removes a container between two looks, and is done when it was looked at for the third time. */
  function slowly() {
    let looks = 0
    let end: () => void
    const done = new Promise<void>((resolve) => { end = resolve })
    gateway.answer = async ({ method }) => {
      if (method === 'GET') {
        if (++looks === 3) end()
        return { status: 200, body: { ...listed, state: 'closing', containers: 12 - looks, networks: 1, images: 0 } }
      }
      await done
      return { status: 200, body: { id: ns, removed } }
    }
  }

  it('counts what is left while it goes, a line each time where nobody looks', async () => {
    slowly()
    const { code, stdout, stderr } = await moorage(here('close', ns))
    assert.deepEqual([code, stdout], [0, `${ns}: removed 2 containers (web, db), 1 network (app)\n`])
    assert.match(stderr, new RegExp(`^Closing ${ns}: 11 containers, 1 network left\nClosing ${ns}: 10 containers, 1 network left\n`))
  })

  it('counts what is left in one line of a terminal, which is gone at the end', async () => {
    slowly()
    const steps = ['see:11 containers, 1 network left\\x1b[K', 'see:\\rClosing', 'see:10 containers, 1 network left', 'see:\\r\\x1b[K', 'see:removed 2 containers']
    const { status, stdout, stderr } = await command('python3', [join(root, 'test/clients/programs/on-terminal.py'), '24x100', ...steps, '--', process.execPath, main, ...here('close', ns)],
      { env: environment() })
    assert.equal(status, 0, stderr)
    assert.match(stdout, /exit code 0\n$/)
  })

  it('says nothing of a look that fails', async () => {
    let looked = () => {}
    const done = new Promise<void>((resolve) => { looked = resolve })
    gateway.answer = async ({ method }) => {
      if (method === 'GET') {
        looked()
        return { status: 404, body: { message: 'page not found' } }
      }
      await done
      return { status: 200, body: { id: ns, removed } }
    }
    assert.deepEqual(await moorage(here('close', ns)), { code: 0, stdout: `${ns}: removed 2 containers (web, db), 1 network (app)\n`, stderr: '' })
  })

  it('gives a list with --json', async () => {
    gateway.answer = () => ({ status: 200, body: { id: ns, removed } })
    assert.deepEqual(JSON.parse((await moorage(here('close', ns, '--json'))).stdout), [{ id: ns, removed }])
  })

  it('closes every one with --all', async () => {
    const other = 'b'.repeat(16)
    gateway.answer = ({ method, path }) => method === 'GET'
      ? { status: 200, body: [listed, { ...listed, id: other }] }
      : { status: 200, body: { id: path.slice(-16), removed: { containers: [], networks: [], volumes: [], images: [] } } }
    const { code, stdout } = await moorage(here('close', '--all'))
    assert.deepEqual([code, stdout], [0, `${ns}: nothing left to remove\n${other}: nothing left to remove\n`])
  })

  it('closes the others when one is unknown, and ends with 3', async () => {
    const other = 'b'.repeat(16)
    gateway.answer = ({ path }) => path.endsWith(other)
      ? { status: 200, body: { id: other, removed } }
      : { status: 404, body: { message: `no such namespace: ${ns}` } }
    const { code, stdout, stderr } = await moorage(here('close', ns, other))
    assert.equal(code, 3)
    assert.match(stdout, new RegExp(`^${other}: removed`))
    assert.equal(stderr, `no such namespace: ${ns}\n`)
  })

  it('asks nothing and removes nothing for what is no namespace id', async () => {
    for (const id of ['../../etc', 'short', `${ns}/socket`]) {
      const { code, stderr } = await moorage(here('close', id))
      assert.equal(code, 2)
      assert.match(stderr, /is no namespace/)
    }
    assert.deepEqual(gateway.asked, [])
  })

  it('needs either ids or --all', async () => {
    assert.equal((await moorage(here('close'))).code, 2)
    assert.equal((await moorage(here('close', ns, '--all'))).code, 2)
    assert.deepEqual(gateway.asked, [])
  })
})

describe('moorage explain', () => {
  const plan = { method: 'POST', path: '/containers/create', body: { Image: 'busybox' } }

  it('sends the request and its body from stdin and prints the plan', async () => {
    gateway.answer = () => ({ status: 200, body: { plan } })
    const { code, stdout } = await moorage(here('explain', 'POST /containers/create?name=x', '--policy', 'wide'), { input: '{"Image":"busybox"}' })
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(stdout), plan)
    assert.deepEqual(gateway.asked.map(({ path, body }) => ({ path, body })),
      [{ path: '/explain', body: { request: 'POST /containers/create?name=x', body: '{"Image":"busybox"}', policy: 'wide' } }])
  })

  it('prints the refusal and ends with 3', async () => {
    const refusal = { status: 403, message: 'HostConfig.Privileged is not allowed in this namespace: why; instead' }
    gateway.answer = () => ({ status: 200, body: { refusal } })
    const { code, stdout, stderr } = await moorage(here('explain', 'POST /containers/create'), { input: '{}' })
    assert.deepEqual([code, stdout, stderr], [3, `refused (403): ${refusal.message}\n`, ''])
    const asJson = await moorage(here('explain', 'POST /containers/create', '--json'), { input: '{}' })
    assert.equal(asJson.code, 3)
    assert.deepEqual(JSON.parse(asJson.stdout), { refusal })
  })

  it('takes only a method and a path', async () => {
    for (const request of ['/containers/create', 'POST', 'post /x', 'POST containers', 'POST /x y']) {
      assert.equal((await moorage(here('explain', request))).code, 2, request)
    }
    assert.deepEqual(gateway.asked, [])
  })
})

describe('a command that cannot reach its gateway', () => {
  it('says how to start one when none runs', async () => {
    const { code, stdout, stderr } = await moorage(['list', '--state', join(gateway.root, 'empty')])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^No gateway runs .*; start it with npm start.*\n$/)
  })

  it('says how to start one when it has gone without a word', async () => {
    const state = join(gateway.root, 'gone')
    mkdirSync(state)
    writeFileSync(join(state, 'gateway.json'), JSON.stringify({ url: 'https://127.0.0.1:1', pid: 1 }))
    writeFileSync(join(state, 'operator-token'), 'token')
    const { code, stderr } = await moorage(['list', '--state', state])
    assert.equal(code, 1)
    assert.match(stderr, /^No gateway answers at https:\/\/127\.0\.0\.1:1; start it with npm start/)
    rmSync(state, { recursive: true })
  })

  it('reaches one elsewhere with URL, token and authority, and trusts no other', async () => {
    gateway.answer = () => ({ status: 200, body: [listed] })
    const ca = join(gateway.root, 'remote-ca.pem')
    writeFileSync(ca, gateway.caPem)
    const env = { MOORAGE_TOKEN: 'secret', MOORAGE_STATE: join(gateway.root, 'nothing') }
    const trusted = await moorage(['list', '--json', '--gateway', gateway.url, '--ca', ca], { env })
    assert.equal(trusted.code, 0, trusted.stderr)
    assert.equal(gateway.asked[0]?.token, 'Bearer secret')
    const tokenFile = join(gateway.root, 'token')
    writeFileSync(tokenFile, 'from-file\n')
    await moorage(['list', '--gateway', gateway.url, '--ca', ca, '--token-file', tokenFile], { env })
    assert.equal(gateway.asked[1]?.token, 'Bearer from-file')
    const { code, stderr } = await moorage(['list', '--gateway', gateway.url], { env })
    assert.equal(code, 1)
    assert.match(stderr, /is not trusted .*--ca FILE/)
    assert.equal(gateway.asked.length, 2)
  })

  it('names the remedy when the certificate is for another name', async () => {
    const { code, stderr } = await moorage(here('list', '--gateway', gateway.url.replace('127.0.0.1', 'localhost')))
    assert.equal(code, 1)
    assert.match(stderr, /start the gateway with --name localhost/)
  })

  it('does not send the token without TLS', async () => {
    const { code, stderr } = await moorage(here('list', '--gateway', 'http://127.0.0.1:1'))
    assert.equal(code, 2)
    assert.match(stderr, /https:\/\/HOST:PORT/)
  })

  it('asks for the token when it has none', async () => {
    const { code, stderr } = await moorage(['list', '--gateway', gateway.url, '--state', join(gateway.root, 'nothing')])
    assert.equal(code, 2)
    assert.match(stderr, /--token-file FILE or in MOORAGE_TOKEN/)
  })

  it('repeats what the gateway says: 3 when it refused, 1 when it failed', async () => {
    for (const [status, expected] of [[401, 3], [400, 3], [503, 1], [500, 1]] as const) {
      gateway.answer = () => ({ status, body: { message: `because ${status}` } })
      const { code, stdout, stderr } = await moorage(here('list'))
      assert.deepEqual([code, stdout, stderr], [expected, '', `because ${status}\n`])
    }
    gateway.answer = () => ({ status: 502, body: undefined })
    assert.match((await moorage(here('list'))).stderr, /status 502/)
  })
})

describe('the command line', () => {
  it('has help with usage, options, environment, exit codes and examples for the program, every command and what is below it', async () => {
    const { commands } = await wholeProgram()
    assert.ok(commands.length > 10)
    const asked = commands.flatMap((command) => [[command.name()], ...command.commands.map((below) => [command.name(), below.name()])])
    const [first] = asked
    for (const parameters of [[], ...asked].map((words) => [...words, '--help']).concat([['help', ...first!]])) {
      const { code, stdout, stderr } = await moorage(parameters)
      assert.deepEqual([code, stderr], [0, ''], parameters.join(' '))
      assert.match(stdout, /^Usage: moorage[^]*\nOptions:\n[^]*\nEnvironment:\n {2}\S[^]*\nExit codes:\n {2}0 {2}\S[^]*\nExamples:\n {2}\$ \S/, parameters.join(' '))
      assert.equal(stdout.split('Exit codes:').length, 2, parameters.join(' '))
    }
  })

  it('has a description of every argument and option', async () => {
    const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)]
    const lacking = all(await wholeProgram()).flatMap((command) => [
      ...command.options.filter(({ description }) => description === '').map(({ flags }) => `${command.name()} ${flags}`),
      ...command.registeredArguments.filter(({ description }) => description === '').map((argument) => `${command.name()} ${argument.name()}`),
    ])
    assert.deepEqual(lacking, [])
  })

  it('ends with 2 for what it does not know, on stderr', async () => {
    for (const parameters of [[], ['bogus'], ['list', '--bogus'], ['list', 'extra'], ['explain'], ['serve', '--listen']]) {
      const { code, stdout } = await moorage(parameters)
      assert.deepEqual([code, stdout], [2, ''], parameters.join(' '))
    }
  })

  it('ends with 2 and every problem when serve is configured wrongly', async () => {
    const config = join(gateway.root, 'moorage.yaml')
    writeFileSync(config, 'log: loud\nstat: x\n')
    const { code, stdout, stderr } = await moorage(['serve', '--config', config, '--listen', 'nowhere'])
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /^--listen: expected HOST:PORT/m)
    assert.match(stderr, /moorage\.yaml:1:6: log: expected/)
    assert.match(stderr, /moorage\.yaml:2:1: stat: unknown key/)
  })
})

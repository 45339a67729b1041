import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { loadAuthority } from '../../../infra/certificates.ts'
import { fakeGateway, moorage, type FakeGateway } from './harness.ts'

const ns = 'abcdefghij012345'
const opened = {
  id: ns, policy: 'default', label: '', host: 'engine', state: 'open',
  opened: '2030-01-01T00:00:00.000Z', expires: '2030-01-02T00:00:00.000Z', ca: 'CA\n', cert: 'CERT\n', key: 'KEY\n',
}
let gateway: FakeGateway

before(async () => { gateway = await fakeGateway() })
beforeEach(() => {
  gateway.asked.length = 0
  gateway.answer = ({ method, path }) => {
    if (method === 'DELETE') return { status: 200, body: { id: ns, removed: {} } }
    return path === '/namespaces' ? { status: 201, body: opened } : { status: 201, body: {} }
  }
})
after(() => gateway.stop())

const open = (...parameters: string[]) => moorage(['open', '--state', gateway.state, ...parameters])
const engine = () => gateway.url.replace('https:', 'tcp:')
/** What was asked for beside a certificate. */
function wished(at: number): object {
  const { csr, ...wish } = gateway.asked[at]!.body as { csr: string }
  assert.match(csr, /^-----BEGIN CERTIFICATE REQUEST-----/)
  return wish
}
const askedPaths = () => gateway.asked.map(({ method, path }) => `${method} ${path}`)

/** What a shell has in its environment after `eval`. */
function evaluated(lines: string, before: Record<string, string> = {}): Record<string, string> {
  const text = execFileSync('sh', ['-c', `${lines}\nenv`], { env: before, encoding: 'utf8' })
  return Object.fromEntries(text.split('\n').filter((line) => line.startsWith('DOCKER_')).map((line) => line.split(/=(.*)/s).slice(0, 2)))
}

describe('moorage open', () => {
  it('prints exports a shell can eval, talks on stderr, and keeps the certificates for their owner', async () => {
    const { code, stdout, stderr } = await open()
    assert.equal(code, 0, stderr)
    const directory = join(gateway.state, 'namespaces', ns)
    assert.equal(stdout, `export DOCKER_HOST=${engine()} DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=${directory}\n`)
    assert.deepEqual(evaluated(stdout), { DOCKER_HOST: engine(), DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: directory })
    assert.match(stderr, new RegExp(`Opened namespace ${ns} .*moorage close ${ns}`))
    assert.equal(statSync(directory).mode & 0o777, 0o700)
    for (const [file, content] of [['ca.pem', /^CA\n$/], ['cert.pem', /^CERT\n$/], ['key.pem', /^-----BEGIN PRIVATE KEY-----/]] as const) {
      assert.match(readFileSync(join(directory, file), 'utf8'), content)
      assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600)
    }
  })

  it('passes policy, label and lifetime on', async () => {
    assert.equal((await open('--policy', 'wide', '--label', 'job 7', '--lifetime', '2h')).code, 0)
    assert.deepEqual(wished(0), { policy: 'wide', label: 'job 7', lifetime: 7200 })
    await open()
    assert.deepEqual(wished(1), {})
  })

  for (const [text, seconds] of [['90', 90], ['90s', 90], ['30m', 1800], ['1d', 86400]] as const) {
    it(`takes ${text} for ${seconds} seconds`, async () => {
      await open('--lifetime', text)
      assert.deepEqual(wished(0), { lifetime: seconds })
    })
  }

  it('takes no other lifetime', async () => {
    for (const text of ['0', '-1', '1.5h', 'soon', '1w', '']) assert.equal((await open('--lifetime', text)).code, 2, text)
    assert.deepEqual(gateway.asked, [])
  })

  it('gives everything a script needs with --json', async () => {
    const certPath = join(gateway.root, 'certificates')
    const { stdout } = await open('--json', '--out', certPath)
    assert.deepEqual(JSON.parse(stdout), {
      id: ns, gateway: gateway.url, certPath,
      env: { DOCKER_HOST: engine(), DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certPath }, expires: opened.expires,
    })
    assert.match(readFileSync(join(certPath, 'key.pem'), 'utf8'), /^-----BEGIN PRIVATE KEY-----/)
  })

  it('quotes paths for the shell', async () => {
    const directory = join(gateway.root, `it's $HOME; "here"`)
    const { stdout } = await open('--out', directory)
    assert.equal(evaluated(stdout)['DOCKER_CERT_PATH'], directory)
  })

  it('keeps the certificates of a gateway elsewhere in the data directory', async () => {
    const env = { XDG_DATA_HOME: join(gateway.root, 'data'), MOORAGE_TOKEN: 'secret' }
    const ca = join(gateway.root, 'ca.pem')
    writeFileSync(ca, gateway.caPem)
    const { code, stdout, stderr } = await moorage(['open', '--json', '--gateway', `${gateway.url}/`, '--ca', ca], { env })
    assert.equal(code, 0, stderr)
    assert.equal(JSON.parse(stdout).certPath, join(gateway.root, 'data/moorage/namespaces', ns))
    assert.equal(gateway.asked[0]?.token, 'Bearer secret')
  })

  it('leaves nothing open when the certificates cannot be written', async () => {
    writeFileSync(join(gateway.root, 'file'), '')
    const { code, stdout, stderr } = await open('--out', join(gateway.root, 'file/below'))
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /cannot be written .*--out DIR/)
    assert.deepEqual(askedPaths(), ['POST /namespaces', `DELETE /namespaces/${ns}`])
  })

  it('repeats a refusal and ends with 3', async () => {
    gateway.answer = () => ({ status: 400, body: { message: 'no such policy: wide' } })
    const { code, stdout, stderr } = await open('--policy', 'wide')
    assert.deepEqual([code, stdout, stderr], [3, '', 'no such policy: wide\n'])
  })
})

describe('moorage open --unix', () => {
  it('asks for a socket at the absolute path and prints its address without any TLS', async () => {
    const { code, stdout } = await open('--unix', join(gateway.root, 'x/../job.sock'))
    assert.equal(code, 0)
    const socket = join(gateway.root, 'job.sock')
    assert.deepEqual(gateway.asked[1], { method: 'POST', path: `/namespaces/${ns}/socket`, token: `Bearer ${gateway.token}`, body: { path: socket } })
    assert.equal(stdout.split('\n')[0], `export DOCKER_HOST=unix://${socket}`)
    assert.deepEqual(evaluated(stdout, { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/old' }), { DOCKER_HOST: `unix://${socket}` })
  })

  it('gives the socket with --json', async () => {
    const { stdout } = await open('--unix', '/run/job.sock', '--json')
    assert.deepEqual(JSON.parse(stdout),
      { id: ns, gateway: gateway.url, socket: '/run/job.sock', env: { DOCKER_HOST: 'unix:///run/job.sock' }, expires: opened.expires })
  })

  it('leaves nothing open when the socket is refused', async () => {
    gateway.answer = ({ path }) => path === '/namespaces' ? { status: 201, body: opened }
      : path.endsWith('/socket') ? { status: 400, body: { message: 'that path is taken' } } : { status: 200, body: {} }
    const { code, stdout, stderr } = await open('--unix', '/run/job.sock')
    assert.deepEqual([code, stdout, stderr], [3, '', 'that path is taken\n'])
    assert.deepEqual(askedPaths(), ['POST /namespaces', `POST /namespaces/${ns}/socket`, `DELETE /namespaces/${ns}`])
  })
})

describe('moorage open --context', () => {
  const haveDocker = spawnSync('docker', ['--version']).status === 0

  it('makes a context that docker itself reads back, whatever the path looks like', { skip: !haveDocker && 'no docker command' }, async () => {
    const env = { DOCKER_CONFIG: join(gateway.root, 'docker'), DOCKER_CONTEXT: 'gone', DOCKER_HOST: 'tcp://elsewhere:1' }
    const out = join(gateway.root, 'a "comma", here')
    const authority = await loadAuthority(gateway.state)
    gateway.answer = async ({ body }) => {
      const cert = await authority.namespaceForRequest(ns, new Date(Date.now() + 3_600_000), (body as { csr: string }).csr)
      return { status: 201, body: { ...opened, ca: gateway.caPem, cert, key: undefined } }
    }
    const { code, stderr } = await moorage(['open', '--state', gateway.state, '--context', 'ci', '--out', out], { env })
    assert.equal(code, 0, stderr)
    const read = execFileSync('docker', ['context', 'inspect', 'ci'], { env: { PATH: process.env['PATH'], DOCKER_CONFIG: env.DOCKER_CONFIG }, encoding: 'utf8' })
    const [context] = JSON.parse(read)
    assert.equal(context.Endpoints.docker.Host, engine())
    assert.equal(context.Endpoints.docker.SkipTLSVerify, false)
    assert.deepEqual(context.TLSMaterial.docker.toSorted(), ['ca.pem', 'cert.pem', 'key.pem'])
  })

  it('opens nothing when there is no docker command', async () => {
    const { code, stderr } = await moorage(['open', '--state', gateway.state, '--context', 'ci'], { env: { PATH: '/nonexistent' } })
    assert.equal(code, 1)
    assert.match(stderr, /no docker command.*install the Docker CLI/)
    assert.deepEqual(gateway.asked, [])
  })

  it("leaves nothing open when docker cannot make it, and says docker's reason", async () => {
    const bin = join(gateway.root, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'docker'), '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "context \\"ci\\" already exists" >&2\nexit 1\n')
    chmodSync(join(bin, 'docker'), 0o755)
    const { code, stdout, stderr } = await moorage(['open', '--state', gateway.state, '--context', 'ci'], { env: { PATH: `${bin}:${process.env['PATH']}` } })
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /docker context create failed: context "ci" already exists/)
    assert.deepEqual(askedPaths(), ['POST /namespaces', `DELETE /namespaces/${ns}`])
    assert.equal(existsSync(join(gateway.state, 'namespaces', ns)), false)
  })
})

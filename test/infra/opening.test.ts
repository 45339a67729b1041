import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { cli, docker } from '../setup/cli.ts'
import { command, must, type Outcome } from '../setup/command.ts'
import { controlApi } from '../setup/control-api.ts'
import { startGateway, type Gateway } from '../setup/gateway.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'
import { root } from '../setup/paths.ts'
import { until } from '../setup/processes.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

describe('opening from CI', () => {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-ci-'))
  let issuer: TestIssuer
  let gateway: Gateway
  let ca: string
  const audience = 'https://moorage.example'
  const main = join(root, 'infra/cli/main.js')
  const script = join(root, 'infra/ci/moorage.sh')
  const claims = (project: string) => ({ sub: `project_path:${project}`, aud: audience, project_path: project })

  /** As a job on another machine: no state directory, nothing of ours in its environment. */
  const job = (args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> =>
    command(process.execPath, [main, ...args], { env: { PATH: process.env['PATH'], HOME: join(directory, 'job'), XDG_CACHE_HOME: join(directory, 'cache'), MOORAGE_CA: ca, ...env }, cwd: directory })
  const open = async (token: string, ...more: string[]) => job(['open', '--gateway', gateway.url, '--json', ...more], { MOORAGE_TOKEN: token })
  const opened = async (token: string, ...more: string[]) => {
    const { status, stdout, stderr } = await open(token, ...more)
    assert.equal(status, 0, stderr)
    return JSON.parse(stdout) as { id: string; certPath: string; env: Record<string, string>; expires: string }
  }
  const listed = async (token: string) => JSON.parse((await job(['list', '--gateway', gateway.url, '--json'], { MOORAGE_TOKEN: token })).stdout) as Record<string, string>[]

  before(async () => {
    issuer = await startIssuer()
    gateway = await startGateway({
      engineSocket: (await sharedEngine('28.5')).socket, flags: ['--shared-image', 'busybox:latest'],
      config: {
        policies: { ci: { lifetime: 3600 } },
        oidc: [{ issuer: issuer.url, audience: [audience], rules: [{ when: { project_path: 'team/*' }, policy: 'ci', domain: '{project_path}', label: '{project_path}', lifetime: 600 }, { when: { project_path: 'one/*' }, namespaces: 1 }] }],
      },
    })
    ca = join(gateway.stateDir, 'ca.pem')
  })
  after(async () => {
    await gateway.stop()
    issuer.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  test('gives a job what the rule for its token says, and a docker that works', async () => {
    const { id, env, expires } = await opened(await issuer.token(claims('team/app')))
    assert.ok(Date.parse(expires) <= Date.now() + 600_000)
    assert.equal(await docker(env, ['run', '--rm', 'busybox', 'echo', 'hello']), 'hello')
    const [namespace] = JSON.parse((await gateway.moorage(['list', '--json'])).stdout).filter((one: { id: string }) => one.id === id)
    assert.deepEqual({ policy: namespace.policy, label: namespace.label, domain: namespace.domain, by: namespace.by },
      { policy: 'ci', label: 'team/app', domain: 'team/app', by: `${issuer.url}#project_path:team/app` })
  })

  test('keeps the private key in the job', async () => {
    const { certPath } = await opened(await issuer.token(claims('team/app')), '--out', join(directory, 'out'))
    const key = readFileSync(join(certPath, 'key.pem'), 'utf8')
    assert.match(key, /^-----BEGIN PRIVATE KEY-----/)
    const answer = must('openssl', ['x509', '-in', join(certPath, 'cert.pem'), '-noout', '-pubkey'])
    assert.equal(must('openssl', ['pkey', '-in', join(certPath, 'key.pem'), '-pubout']), answer)
  })

  test('refuses a policy, a domain and a lifetime beyond the rule', async () => {
    const token = await issuer.token(claims('team/app'))
    const { status, stderr } = await open(token, '--policy', 'default')
    assert.equal(status, 3)
    assert.match(stderr, /the policy default is not allowed in this namespace: .* may open namespaces with ci/)
    assert.match((await open(await issuer.token(claims('team/app')), '--domain', 'team/other')).stderr, /the domain team\/other is not allowed/)
    // What was refused has not used the token.
    const { expires } = await opened(token, '--lifetime', '1h')
    assert.ok(Date.parse(expires) <= Date.now() + 600_000)
  })

  test('opens one namespace with a token', async () => {
    const token = await issuer.token(claims('team/app'))
    await opened(token)
    const { status, stderr } = await open(token)
    assert.equal(status, 3)
    assert.match(stderr, /has opened a namespace already/)
  })

  test('opens as many at one time as the rule says, and uses no token for more', async () => {
    const first = await opened(await issuer.token(claims('one/app')))
    const token = await issuer.token(claims('one/app'))
    const { status, stderr } = await open(token)
    assert.equal(status, 3)
    assert.match(stderr, /#project_path:one\/app has 1 namespaces, and may have no more at one time; close one, or try again when one has ended/)
    await opened(await issuer.token(claims('one/other')))
    assert.equal((await gateway.moorage(['close', first.id])).status, 0)
    await opened(token)
    assert.match((await open(token)).stderr, /has opened a namespace already/)
  })

  test('refuses a project without a rule, and a token of nobody', async () => {
    assert.match((await open(await issuer.token(claims('elsewhere/app')))).stderr, /no rule of this gateway matches/)
    assert.match((await open('nonsense')).stderr, /this endpoint needs a token/)
  })

  test('shows namespaces to their opener only, and closes no others', async () => {
    const mine = await opened(await issuer.token(claims('team/mine')))
    const other = await issuer.token(claims('team/other'))
    assert.deepEqual(await listed(other), [])
    assert.deepEqual((await listed(await issuer.token(claims('team/mine')))).map(({ id }) => id), [mine.id])
    const close = (token: string, id: string) => job(['close', '--gateway', gateway.url, id], { MOORAGE_TOKEN: token })
    const foreign = await close(other, mine.id)
    const missing = await close(other, `${mine.id.slice(0, -1)}0`)
    assert.deepEqual([foreign.status, foreign.stderr.replaceAll(mine.id, 'X')], [missing.status, missing.stderr.replaceAll(`${mine.id.slice(0, -1)}0`, 'X')])
    assert.equal((await close(await issuer.token(claims('team/mine')), mine.id)).status, 0)
  })

  test('shows a namespace and what it has to its opener, to operators and to itself; to others it is missing', async () => {
    const { id, env, certPath } = await opened(await issuer.token(claims('team/shown')))
    await docker(env, ['volume', 'create', 'data'])
    const asked = async (project: string, which = id) => controlApi(gateway, 'GET', `/namespaces/${which}`, undefined, await issuer.token(claims(project)))
    const own = await asked('team/shown')
    assert.deepEqual([own.status, own.json.id, own.json.state, own.json.volumes], [200, id, 'open', 1])
    assert.equal((await controlApi(gateway, 'GET', `/namespaces/${id}`)).json.volumes, 1)
    const itself = must('curl', ['-sS', '--cacert', ca, '--cert', join(certPath, 'cert.pem'), '--key', join(certPath, 'key.pem'), `${gateway.url}/namespaces/self`])
    const { id: shown, volumes } = JSON.parse(itself)
    assert.deepEqual([shown, volumes], [id, 1])
    const nobody = `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`
    const [foreign, missing] = [await asked('team/other'), await asked('team/other', nobody)]
    assert.deepEqual([foreign.status, foreign.json.message], [404, missing.json.message.replace(nobody, id)])
    assert.equal((await controlApi(gateway, 'GET', '/namespaces/self')).status, 401)
  })

  test('lets a namespace close itself by its certificate', async () => {
    const { id, env } = await opened(await issuer.token(claims('team/app')))
    await docker(env, ['volume', 'create', 'data'])
    const { status, stdout, stderr } = await job(['close'], env)
    assert.equal(status, 0, stderr)
    assert.equal(stdout, `${id}: removed 1 volume (data)\n`)
    assert.notEqual((await cli(env, ['ps'])).status, 0)
  })

  test('is for operators where hosts, tokens, sockets and metrics are concerned', async () => {
    const { id } = await opened(await issuer.token(claims('team/app')))
    for (const args of [['hosts', 'list'], ['token', 'list'], ['token', 'create', 'x', '--expires', '1d']]) {
      const { status, stderr } = await job([...args, '--gateway', gateway.url], { MOORAGE_TOKEN: await issuer.token(claims('team/app')) })
      assert.deepEqual([status, /this endpoint is for operators/.test(stderr)], [3, true], stderr)
    }
    const socket = await job(['open', '--unix', join(directory, 'x.sock'), '--gateway', gateway.url], { MOORAGE_TOKEN: await issuer.token(claims('team/app')) })
    assert.equal(socket.status, 3)
    assert.ok(!existsSync(join(directory, 'x.sock')) && id !== '')
  })

  test('takes tokens that the operator made, until they end or are revoked', async () => {
    const made = await gateway.moorage(['token', 'create', 'jenkins', '--policy', 'ci', '--domain', 'team', '--label', 'jenkins', '--expires', '1d'])
    assert.equal(made.status, 0, made.stderr)
    const token = made.stdout.trim()
    const { id } = await opened(token)
    await opened(token)
    const shown = (await listed(token)).find((one) => one['id'] === id)
    assert.deepEqual([shown?.['by'], shown?.['domain'], shown?.['label'], shown?.['policy']], ['token:jenkins', 'team', 'jenkins', 'ci'])
    const kept = execFileSync('sh', ['-c', `cat "$0"/*`, gateway.stateDir], { maxBuffer: 1 << 28 })
    assert.ok(!kept.includes(token) && kept.includes('jenkins'), 'the token itself is kept nowhere')
    const { stdout } = await gateway.moorage(['token', 'list'])
    assert.match(stdout, /^jenkins +ci +team /m)
    assert.equal((await gateway.moorage(['token', 'revoke', 'jenkins'])).status, 0)
    assert.match((await open(token)).stderr, /this endpoint needs a token/)
    await gateway.moorage(['token', 'create', 'short', '--expires', '1s']).then(async ({ stdout: short }) => {
      await until(async () => /the token short has ended/.test((await open(short.trim())).stderr), 'the token ends', 60_000)
    })
  })

  test('finds the token and names of GitHub Actions, and hands the variables to later steps', async () => {
    let server: Server | undefined
    try {
      server = createServer(async (request, response) => {
        const asked = new URL(String(request.url), 'http://x').searchParams.get('audience')
        const value = request.headers.authorization === 'bearer request' ? await issuer.token({ ...claims('team/gh'), aud: asked! }) : ''
        response.end(JSON.stringify({ count: 1, value }))
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const env = {
        GITHUB_ACTIONS: 'true', MOORAGE_AUDIENCE: audience, CI: 'true', GITHUB_REPOSITORY: 'team/gh', GITHUB_JOB: 'test', GITHUB_RUN_ID: '77', GITHUB_ENV: join(directory, 'github-env'),
        ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token?v=1`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request',
      }
      const { status, stdout, stderr } = await job(['open', '--gateway', gateway.url, '--json', '--github-env', '--dotenv', join(directory, 'dotenv')], env)
      assert.equal(status, 0, stderr)
      const { id, env: given } = JSON.parse(stdout)
      const lines = Object.entries(given).map(([name, value]) => `${name}=${value}\n`).join('')
      assert.equal(readFileSync(env.GITHUB_ENV, 'utf8'), lines)
      assert.equal(readFileSync(join(directory, 'dotenv'), 'utf8'), lines)
      const namespaces = JSON.parse((await gateway.moorage(['list', '--json'])).stdout) as { id: string; label: string }[]
      assert.equal(namespaces.find((one) => one.id === id)?.label, 'team/gh test #77')
    } finally {
      server?.close()
    }
  })

  describe('with a shell, curl and openssl', () => {
    const sh = (args: readonly string[], env: Record<string, string>) =>
      command('sh', args, { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: directory, MOORAGE_GATEWAY: gateway.url, MOORAGE_CA: ca, ...env }, cwd: directory })

    test('opens, works and closes', async () => {
      const token = await issuer.token(claims('team/sh'))
      const { status, stdout, stderr } = await sh(['-c', `eval "$(sh ${script} open)" && env`], {
        MOORAGE_TOKEN: token, GITLAB_CI: 'true', CI_PROJECT_PATH: 'team/sh', CI_JOB_NAME: 'it\'s "quoted" \\ ü', CI_JOB_ID: '5',
      })
      assert.equal(status, 0, stderr)
      const env = Object.fromEntries(stdout.trim().split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2))) as Record<string, string>
      const { DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH, MOORAGE_NAMESPACE } = env as Record<string, string> & { MOORAGE_NAMESPACE: string }
      const variables = { DOCKER_HOST: DOCKER_HOST!, DOCKER_TLS_VERIFY: DOCKER_TLS_VERIFY!, DOCKER_CERT_PATH: DOCKER_CERT_PATH! }
      assert.equal(await docker(variables, ['run', '--rm', 'busybox', 'echo', 'from sh']), 'from sh')
      const namespaces = JSON.parse((await gateway.moorage(['list', '--json'])).stdout) as { id: string; label: string }[]
      assert.equal(namespaces.find(({ id }) => id === MOORAGE_NAMESPACE)?.label, 'team/sh it\'s "quoted" \\ ü #5')
      const left = execFileSync('sh', ['-c', 'cat "$0"/*', DOCKER_CERT_PATH!], { encoding: 'utf8' })
      assert.ok(!left.includes(token))
      const closed = await sh([script, 'close'], variables)
      assert.equal(closed.stderr, `Closed namespace ${MOORAGE_NAMESPACE}\n`)
      assert.notEqual((await cli(variables, ['ps'])).status, 0)
    })

    test('finds what it opened in a new shell, and says so when it is closed already', async () => {
      const env = { MOORAGE_DIR: join(directory, 'kept'), MOORAGE_ID_TOKEN: await issuer.token(claims('team/sh')), MOORAGE_CA: readFileSync(ca, 'utf8') }
      assert.equal((await sh([script, 'open'], env)).status, 0)
      const id = /MOORAGE_NAMESPACE='(\w+)'/.exec(readFileSync(join(directory, 'kept/env'), 'utf8'))![1]!
      await gateway.moorage(['close', id])
      const { status, stderr } = await sh([script, 'close'], env)
      assert.deepEqual([status, stderr], [0, 'The namespace is closed already\n'])
    })

    test('says why it was refused, what is missing, and that nobody answers', async () => {
      const refused = await sh([script, 'open'], { MOORAGE_TOKEN: await issuer.token(claims('elsewhere/sh')) })
      assert.equal(refused.status, 3)
      assert.match(refused.stderr, /^moorage\.sh: no rule of this gateway matches the token/)
      assert.match((await sh([script, 'open'], {})).stderr, /^moorage\.sh: no token/)
      assert.match((await sh([script, 'open'], { MOORAGE_GATEWAY: 'https://127.0.0.1:1', MOORAGE_TOKEN: 'x' })).stderr, /cannot be reached/)
      assert.equal((await sh([script], {})).status, 2)
    })

    test('runs as hooks of a self-hosted runner and of Buildkite', async () => {
      const hooks = join(root, 'infra/ci')
      const file = join(directory, 'runner-env')
      writeFileSync(file, '')
      const started = await sh([join(hooks, 'github/job-started.sh')], { GITHUB_ENV: file, MOORAGE_TOKEN: await issuer.token(claims('team/runner')) })
      assert.equal(started.status, 0, started.stderr)
      const variables = Object.fromEntries(readFileSync(file, 'utf8').trim().split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2))) as Record<string, string>
      assert.equal(await docker(variables, ['ps', '-q']), '')
      assert.equal((await sh([join(hooks, 'github/job-completed.sh')], variables)).status, 0)
      const agent = `. ${join(hooks, 'buildkite/hooks/environment')} && docker_host=$DOCKER_HOST && bash ${join(hooks, 'buildkite/hooks/pre-exit')} && echo "$docker_host"`
      const step = await command('bash', ['-c', agent], {
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: directory, BUILDKITE_PLUGIN_MOORAGE_GATEWAY: gateway.url, BUILDKITE_PLUGIN_MOORAGE_CA: ca, MOORAGE_TOKEN: await issuer.token(claims('team/bk')) },
      })
      assert.equal(step.status, 0, step.stderr)
      assert.equal(step.stdout.trim(), gateway.url.replace('https:', 'tcp:'))
    })
  })
})

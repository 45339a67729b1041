import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as v from 'valibot'
import { parse } from 'yaml'
import { auditSchema } from '../../lib/audit.ts'
import { dockerfile } from '../setup/build-context.ts'
import { cli, docker } from '../setup/cli.ts'
import { command } from '../setup/command.ts'
import { root } from '../setup/paths.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { until } from '../setup/processes.ts'
import { startRegistry, type Registry } from '../setup/registry.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

describe('policies', () => {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-policies-'))
  const audit = join(directory, 'audit.jsonl')
  const configFile = join(directory, 'moorage.yaml')
  let gateway: Gateway
  let registry: Registry
  /** An image in that registry. */
  let tool: string
  const opened: Namespace[] = []
  /** What was opened before is closed: the host has not room for all. */
  const open = async (policy: string) => {
    for (const { id } of opened.splice(0)) await gateway.moorage(['close', id])
    const namespace = await gateway.open('--policy', policy)
    opened.push(namespace)
    return namespace
  }
  const write = (policies: object) => writeFileSync(configFile, JSON.stringify({ images: { shared: ['busybox:latest'] }, policies }))
  const narrow = { registries: ['docker.io'], limits: { memory: 64 * 1024 * 1024, cpus: 1, containers: 2, volumes: 1 } }
  const refusal = async ({ env }: Namespace, ...args: string[]) => {
    const { status, stderr } = await cli(env, args)
    assert.notEqual(status, 0)
    return stderr
  }
  /** What a project's jobs do that the narrow policy does not allow. */
  const job = async ({ env }: Namespace) => {
    await docker(env, ['run', '--rm', '--cap-add', 'SYS_PTRACE', '-m', '100m', '--cpus', '1.5', 'busybox', 'true'])
    for (const name of ['one', 'two', 'three']) await docker(env, ['create', '--name', name, 'busybox'])
    await docker(env, ['volume', 'create', 'aa'])
    await docker(env, ['volume', 'create', 'bb'])
  }

  before(async () => {
    write({ watched: { ...narrow, mode: 'observe' }, narrow, builds: { registries: ['docker.io'], mode: 'observe' } })
    const engine = await sharedEngine('28.5')
    registry = await startRegistry(engine)
    tool = await registry.push('busybox:latest', 'policies/tool')
    gateway = await startGateway({ engineSocket: engine.socket, flags: ['--config', configFile, '--audit', audit] })
  })
  after(async () => {
    await gateway?.stop()
    registry?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  /** What would have to be written for the policy, according to the audit stream so far, with what is told beside it. */
  const suggestion = async (policy: string) => {
    const { status, stdout, stderr } = await command(process.execPath, [join(root, 'infra/cli/main.js'), 'policy', 'suggest', '--audit', audit, '--policy', policy, '--config', configFile])
    assert.equal(status, 0, stderr)
    return { suggested: parse(stdout)?.policies[policy] as Record<string, any> | undefined ?? {}, told: stderr }
  }

  test('that observe build from registries and URLs that a policy could allow, and say so; from what none allows they do not', async () => {
    const { env } = await open('builds')
    const build = (text: string) => cli(env, ['build', '-q', dockerfile(text)], { timeout: 120_000 })
    const built = await build(`FROM busybox\nRUN echo https://elsewhere.example\nCOPY --from=${tool} /bin/busybox /tool\nADD http://${registry.address}/v2/ /empty\n`)
    assert.equal(built.status, 0, built.stderr)
    assert.match((await build('FROM 169.254.169.254/x\n')).stderr, /denied by policy|not allowed by policy/)
    let suggested: Record<string, any> = {}
    await until(async () => {
      suggested = (await suggestion('builds')).suggested
      return suggested['build'] !== undefined
    }, 'the audit stream has it', 60_000)
    assert.deepEqual(suggested, { build: { remote: true }, registries: ['docker.io', registry.address] })
  })

  test('tell in the audit stream what they refused inside builds: by the gateway, by the engine in its name, with BuildKit and in the classic words', async () => {
    const narrowed = await open('narrow')
    assert.match(await refusal(narrowed, 'build', '-q', dockerfile(`FROM ${tool}\n`)), /denied by policy|not allowed by policy/)
    assert.match(await refusal(narrowed, 'build', '-q', dockerfile('FROM busybox\nADD http://127.0.0.1:1/x /\n')), /denied by policy|not allowed by policy/)
    assert.match(await refusal(narrowed, 'build', '-q', '--network', 'host', dockerfile('FROM busybox\nRUN true\n')), /network.*host.* is not allowed/)
    assert.match((await cli({ ...narrowed.env, DOCKER_BUILDKIT: '0' }, ['build', '-q', dockerfile(`FROM ${tool}\n`)])).stderr, /denied by policy|not allowed by policy/)
    const refused = () => readFileSync(audit, 'utf8').trim().split('\n').map((line) => v.parse(auditSchema, JSON.parse(line)))
      .filter(({ namespace, refusal: told }) => namespace === narrowed.id && told !== null).map(({ endpoint, status, refusal: told }) => ({ endpoint, status, ...told }))
    await until(() => refused().some(({ endpoint }) => endpoint === 'ImageBuild'), 'the last of them is in the audit stream', 60_000)
    const lines = refused()
    const of = (setting: string | null) => lines.filter((line) => line.setting === setting)
    assert.deepEqual(of('registries').map(({ status, field, value }) => [status, field, value]), Array(2).fill([403, `the registry ${registry.address}`, registry.address]))
    assert.deepEqual(of('registries').map(({ endpoint }) => endpoint === 'ImageBuild' || endpoint.startsWith('moby.buildkit.v1.')), [true, true])
    assert.deepEqual(of('build.remote').map(({ status, field }) => [status, field]), [[403, 'the source http://127.0.0.1:1/x']])
    assert.deepEqual(of(null).map(({ status, endpoint }) => [status, endpoint]), [[403, 'moby.buildkit.v1.Control/Solve']])
    assert.equal(lines.length, 4)
    assert.deepEqual((await suggestion('narrow')).suggested, { build: { remote: true }, registries: ['docker.io', registry.address] })
  })

  test('that observe do what a policy could allow, and refuse what none allows', async () => {
    const watched = await open('watched')
    await job(watched)
    assert.match(await refusal(watched, 'run', '--privileged', 'busybox'), /HostConfig\.Privileged is not allowed/)
    assert.match(await refusal(watched, 'run', '--cap-add', 'SYS_ADMIN', 'busybox'), /HostConfig\.CapAdd is not allowed/)
    const narrowed = await open('narrow')
    assert.match(await refusal(narrowed, 'run', '-m', '100m', 'busybox'), /HostConfig\.Memory is not allowed/)
    await until(async () => (await suggestion('narrow')).suggested['limits']?.memory === 100 * 1024 * 1024, 'the audit stream says what would allow it', 60_000)
  })

  test('are suggested from what was observed, and then let the same jobs through', async () => {
    let suggested: Record<string, any> = {}
    let told = ''
    await until(async () => {
      ;({ suggested, told } = await suggestion('watched'))
      return suggested['limits']?.volumes === 2
    }, 'the audit stream has all of it', 60_000)
    assert.match(told, /No policy allows \(1×\): HostConfig\.Privileged/)
    assert.deepEqual(suggested, { capabilities: ['SYS_PTRACE'], limits: { containers: 3, cpus: 1.5, memory: 100 * 1024 * 1024, volumes: 2 } })
    write({ watched: { ...narrow, ...suggested, limits: { ...narrow.limits, ...suggested['limits'] } } })
    process.kill(gateway.pid, 'SIGHUP')
    await until(() => gateway.log().includes('Reloaded policies'), 'the policies are reloaded', 60_000)
    const namespace = await open('watched')
    await job(namespace)
    assert.match(await refusal(namespace, 'create', 'busybox'), /one more container is not allowed/)
  })

  test('stay in force when the config cannot be reloaded', async () => {
    writeFileSync(configFile, 'policies: { watched: { lifetim: 3 } }')
    process.kill(gateway.pid, 'SIGHUP')
    await until(() => /was not reloaded, what was in force stays: .*unknown key/.test(gateway.log()), 'the problem is told', 60_000)
    assert.ok((await open('watched')).id)
  })

  test('of the preset strict publish nothing and pull from nowhere', async () => {
    const strict = await open('strict')
    assert.equal(await docker(strict.env, ['run', '--rm', 'busybox', 'echo', 'hello']), 'hello')
    assert.match(await refusal(strict, 'run', '-p', '80', 'busybox'), /ExposedPorts is not allowed/)
    assert.match(await refusal(strict, 'pull', 'alpine'), /the registry docker\.io is not allowed/)
  })

  test('of the preset build-only build, and run nothing', async () => {
    const builder = await open('build-only')
    await docker(builder.env, ['build', '-q', '-t', 'made', '-'], { input: 'FROM busybox\nRUN echo built > /made\n', timeout: 120_000 })
    assert.equal(await docker(builder.env, ['images', '-q', 'made']).then((id) => id.length), 12)
    assert.match(await refusal(builder, 'run', 'made'), /one more container is not allowed/)
  })

  test('of the preset testcontainers publish many ports of many containers', async () => {
    const { env } = await open('testcontainers')
    const ports = Array.from({ length: 120 }, (_, at) => ['-p', String(3000 + at)]).flat()
    await docker(env, ['create', ...ports, 'busybox'])
    assert.equal(await docker(env, ['ps', '-aq']).then((ids) => ids.split('\n').length), 1)
  })
})

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { namespaceToken } from '../../lib/names.ts'
import { dockerfile } from '../setup/build-context.ts'
import { cli, docker } from '../setup/cli.ts'
import { command } from '../setup/command.ts'
import type { Engine } from '../setup/engine.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { until } from '../setup/processes.ts'
import { versions } from '../setup/paths.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

const megabyte = 1024 * 1024
const patience = 60_000

const policies = {
  default: { limits: { memory: 64 * megabyte, cpus: 1, pids: 60 } },
  slow: { limits: { cpus: 0.1 } },
  own: { build: { cache: 'namespace' }, limits: { memory: 64 * megabyte } },
  shared: { build: { cache: 'domain' }, limits: { memory: 512 * megabyte, build: { memory: 64 * megabyte, pids: 60 } } },
  wide: { limits: { memory: 512 * megabyte, cpus: 2, pids: 60 } },
}

/** Directories of a namespace's group in all hierarchies of version 1, or in the one of version 2. */
const groupsOf = (ns: string) => globSync(`/sys/fs/cgroup/{,*/}moorage/*/${ns}`)

/** A control file of the group. The unified hierarchy beside those of version 1 has files of the same names, and no controllers. */
const fileOf = (ns: string, name: string) =>
  globSync(`/sys/fs/cgroup/{,*/}moorage/*/${ns}/${name}`).find((file) => !file.startsWith('/sys/fs/cgroup/unified/')) ?? assert.fail(`no ${name} of ${ns}`)

const peak = existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'memory.peak' : 'memory.max_usage_in_bytes'

const readOf = (ns: string, name: string) => readFileSync(fileOf(ns, name), 'utf8').trim()

for (const version of versions) {
  describe(`control groups on Engine ${version}`, () => {
    let engine: Engine
    let gateway: Gateway
    before(async () => {
      engine = await sharedEngine(version)
      gateway = await startGateway({ engineSocket: engine.socket, config: { policies, controlGroups: 'required', overcommit: { memory: 100, cpus: 100 }, images: { shared: ['busybox:latest'] } } })
    })
    after(async () => {
      for (const { id } of JSON.parse((await gateway.moorage(['list', '--json'])).stdout)) await gateway.moorage(['close', id])
      await gateway.stop()
    })
    const get = () => ({ engine, gateway })
    together(get)
    escapes(get)
    life(get)
    if (version !== '20.10') builds(get)
  })
}

type Get = () => { engine: Engine; gateway: Gateway }

/** Whether the container prints the word, rather than ending without. */
async function says({ env }: Namespace, name: string, word: string): Promise<boolean> {
  let said = false
  await until(async () => {
    const { stdout, stderr } = await cli(env, ['logs', name])
    said = (stdout + stderr).includes(word)
    return said || await docker(env, ['inspect', '-f', '{{.State.Running}}', name]) === 'false'
  }, `${name} says ${word} or ends`, patience)
  return said
}

async function run({ env }: Namespace, name: string, script: string): Promise<void> {
  await docker(env, ['run', '-d', '--name', name, 'busybox', 'sh', '-c', script])
}

/** Three containers that each hold 45 MB of memory: how many of them can. */
async function holders(namespace: Namespace): Promise<number> {
  const names = ['one', 'two', 'three']
  const held: boolean[] = []
  for (const name of names) {
    await run(namespace, name, 'dd if=/dev/zero of=/dev/shm/x bs=1M count=45 && echo held && sleep 1000')
    held.push(await says(namespace, name, 'held'))
  }
  const running = await Promise.all(names.map((name) => docker(namespace.env, ['inspect', '-f', '{{.State.Running}}', name])))
  return names.filter((_, index) => held[index] && running[index] === 'true').length
}

function together(get: Get): void {
  it('hold the memory of all containers of a namespace together, swap included', async () => {
    const [narrow, wide] = [await get().gateway.open(), await get().gateway.open('--policy', 'wide')]
    assert.equal(await holders(wide), 3)
    assert.ok(await holders(narrow) < 3)
    assert.ok(Number(readOf(narrow.id, peak)) <= 64 * megabyte)
  })

  it('hold the number of processes of all containers of a namespace together', async () => {
    const namespace = await get().gateway.open()
    const spawnForty = 'for i in $(seq 40); do sleep 1000 & done; echo spawned; wait'
    await run(namespace, 'first', spawnForty)
    assert.equal(await says(namespace, 'first', 'spawned'), true)
    await run(namespace, 'second', spawnForty)
    assert.equal(await says(namespace, 'second', "can't fork"), true)
  })

  it('hold the processor time of all containers of a namespace together', async () => {
    const namespace = await get().gateway.open('--policy', 'slow')
    for (const name of ['first', 'second']) await run(namespace, name, 'while :; do :; done')
    await until(() => Number(/^nr_throttled (\d+)/m.exec(readOf(namespace.id, 'cpu.stat'))?.[1]) > 0, 'The namespace is throttled', patience)
  })

  it('are what the namespace takes for the size of its machine', async () => {
    const { env } = await get().gateway.open('--policy', 'wide')
    assert.equal(await docker(env, ['info', '-f', '{{.NCPU}} {{.MemTotal}}']), `2 ${512 * megabyte}`)
  })
}

async function post({ env }: Namespace, gateway: Gateway, path: string, body: object): Promise<{ status: string; message: string }> {
  const at = (file: string) => `${env['DOCKER_CERT_PATH']}/${file}`
  const { stdout } = await command('curl', ['-s', '--cacert', at('ca.pem'), '--cert', at('cert.pem'), '--key', at('key.pem'), '-w', '\n%{http_code}',
    '-H', 'Content-Type: application/json', '-d', JSON.stringify(body), `${gateway.url}${path}`])
  const [text, status] = stdout.split(/\n(?=\d+$)/)
  return { status: status!, message: JSON.parse(text!).message }
}

function escapes(get: Get): void {
  it('cannot be left by a parent in a create or an update, nor by the CLI\'s flag', async () => {
    const namespace = await get().gateway.open()
    await run(namespace, 'app', 'sleep 1000')
    for (const field of ['CgroupParent', 'cgroupparent', 'CGROUPPARENT']) {
      const created = await post(namespace, get().gateway, '/containers/create', { Image: 'busybox', HostConfig: { [field]: '/' } })
      assert.deepEqual([created.status, /HostConfig\.CgroupParent is not allowed/.test(created.message)], ['403', true])
    }
    const updated = await post(namespace, get().gateway, '/containers/app/update', { CgroupParent: '/' })
    assert.deepEqual([updated.status, /CgroupParent is not allowed/.test(updated.message)], ['403', true])
    const { status, stderr } = await cli(namespace.env, ['run', '--rm', '--cgroup-parent', '/docker', 'busybox', 'true'])
    assert.equal(status, 125)
    assert.match(stderr, /CgroupParent is not allowed in this namespace.*leave it out/s)
  })

  it('hold what exec starts, and are not shown', async () => {
    const namespace = await get().gateway.open()
    await run(namespace, 'app', 'sleep 1000')
    await docker(namespace.env, ['exec', '-d', 'app', 'sleep', '31415'])
    const inside = () => globSync(`/sys/fs/cgroup/{pids/,}moorage/*/${namespace.id}/*/cgroup.procs`).flatMap((file) => readFileSync(file, 'utf8').trim().split('\n'))
    const commands = () => inside().map((pid) => (existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim() : ''))
    await until(() => commands().includes('sleep 31415'), 'The process that exec started is in the group', patience)
    const shown = await docker(namespace.env, ['inspect', 'app']) + await docker(namespace.env, ['exec', 'app', 'cat', '/proc/self/cgroup'])
    assert.ok(!shown.includes('moorage'), shown)
  })
}

/** Builds an image whose RUN step needs that many megabytes: whether that can be. */
async function buildsWith({ env }: Namespace, megabytes: number): Promise<boolean> {
  const step = `RUN --mount=type=tmpfs,target=/held dd if=/dev/zero of=/held/x bs=1M count=${megabytes}`
  const { status } = await cli(env, ['build', '-q', '--no-cache', dockerfile(`FROM busybox\n${step}`)], { timeout: 120_000 })
  return status === 0
}

/** Containers of 45 MB that 64 MB of memory have room for, as much again of swap included. */
const room = /^SwapTotal: +0 kB/m.test(readFileSync('/proc/meminfo', 'utf8')) ? 1 : 2

function builds(get: Get): void {
  it('hold containers and build steps of a namespace together that shares its cache with nobody', async () => {
    const namespace = await get().gateway.open('--policy', 'own')
    assert.equal(await buildsWith(namespace, 45), true)
    const names = ['one', 'two'].slice(0, room)
    for (const name of names) {
      await run(namespace, name, 'dd if=/dev/zero of=/dev/shm/x bs=1M count=45 && echo held && sleep 1000')
      assert.equal(await says(namespace, name, 'held'), true)
    }
    // Who is killed is the kernel's choice.
    const built = await buildsWith(namespace, 45)
    const running = (await docker(namespace.env, ['ps', '-q'])).split('\n').filter(Boolean).length
    assert.ok(!built || running < names.length)
    assert.ok(Number(readOf(namespace.id, peak)) <= 64 * megabyte)
  })

  it('hold the build steps of a trust domain together, whoever of it builds, and not its containers', async () => {
    const domain = ['--policy', 'shared', '--domain', `limits-${randomBytes(4).toString('hex')}`]
    const [first, second] = [await get().gateway.open(...domain), await get().gateway.open(...domain)]
    assert.equal(await holders(first), 3)
    const farm = dirname(groupsOf(first.id).find((group) => group.includes('/pids/')) ?? groupsOf(first.id)[0]!)
    const groups = () => globSync(`${farm}/b${'[0-9a-f]'.repeat(24)}`)
    const before = new Set(groups())
    assert.equal(await buildsWith(first, 45), true)
    assert.equal(await buildsWith(second, 140), false)
    const made = groups().filter((group) => !before.has(group))
    assert.equal(made.length, 1)
    assert.equal(readFileSync(`${made[0]}/pids.max`, 'utf8').trim(), '60')
  })

  it('are not shown to build steps as a name that leads to others', async () => {
    const namespace = await get().gateway.open('--policy', 'shared', '--domain', `limits-${randomBytes(4).toString('hex')}`)
    const { stdout, stderr } = await cli(namespace.env, ['build', '--progress', 'plain', '--no-cache', dockerfile('FROM busybox\nRUN cat /proc/self/cgroup')], { timeout: 120_000 })
    assert.ok(!`${stdout}${stderr}`.includes(namespace.id))
  })
}

function life(get: Get): void {
  it('end with their namespace', async () => {
    const { gateway } = get()
    const namespace = await gateway.open()
    await run(namespace, 'app', 'sleep 1000')
    assert.ok(groupsOf(namespace.id).length > 0)
    assert.equal((await gateway.moorage(['close', namespace.id])).status, 0)
    await until(() => groupsOf(namespace.id).length === 0, 'The groups are gone', patience)
  })

  it('are removed later when they are busy as their namespace ends, and stay while they are', async () => {
    const { gateway } = get()
    const namespace = await gateway.open()
    await run(namespace, 'app', 'sleep 1000')
    const busy = spawn('sleep', ['1000'], { stdio: 'ignore' })
    try {
      writeFileSync(fileOf(namespace.id, 'cgroup.procs'), String(busy.pid))
      assert.equal((await gateway.moorage(['close', namespace.id])).status, 0)
      await gateway.restart()
      assert.ok(groupsOf(namespace.id).length > 0)
    } finally {
      busy.kill('SIGKILL')
    }
    await until(() => busy.exitCode !== null || busy.signalCode !== null, 'The process ends')
    await gateway.restart()
    await until(() => groupsOf(namespace.id).length === 0, 'The groups are gone', patience)
  })

  it('of namespaces that nobody knows are removed, those of other farms are not', async () => {
    const { gateway } = get()
    const namespace = await gateway.open()
    await run(namespace, 'app', 'sleep 1000')
    const farms = groupsOf(namespace.id).map((directory) => directory.slice(0, -namespace.id.length - 1))
    const nobody = namespaceToken(randomBytes(16))
    const foreign = farms.map((farm) => `${dirname(farm)}/${randomBytes(6).toString('hex')}/${nobody}`)
    const dead = farms.map((farm) => `${farm}/${nobody}`)
    for (const directory of [...dead, ...foreign]) mkdirSync(directory, { recursive: true })
    await gateway.restart()
    await until(() => dead.every((directory) => !existsSync(directory)), 'The dead groups are gone', patience)
    assert.ok(foreign.every((directory) => existsSync(directory)))
    assert.ok(groupsOf(namespace.id).length > 0)
    for (const directory of foreign) for (const one of [directory, dirname(directory)]) rmdirSync(one)
  })
}

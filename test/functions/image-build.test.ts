import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { buildContext } from '../setup/build-context.ts'
import { cli } from '../setup/cli.ts'
import { command } from '../setup/command.ts'
import { tarOf } from '../setup/image-archive.ts'
import { root, versions } from '../setup/paths.ts'
import { until } from '../setup/processes.ts'
import { workbench, type Job, type Workbench } from '../setup/workbench.ts'

const classic = { DOCKER_BUILDKIT: '0' }
const timeout = 200_000

/** `POST /build` as the classic builder's clients use it. */
describe('the classic build', () => {
  let bench: Workbench
  let [a, b] = [] as unknown as [Job, Job]
  before(async () => {
    bench = await workbench('28.5')
    ;[a, b] = [await bench.job(), await bench.job()]
  })
  after(() => bench.stop())

  /** Runs `docker build` of a version without BuildKit, which must succeed. */
  async function build(job: Job, args: readonly string[], { docker = '28.5' as (typeof versions)[number], input = undefined as Uint8Array | undefined, env = classic as Record<string, string> } = {}): Promise<string> {
    const { status, stdout, stderr } = await cli({ ...job.env, ...env }, ['build', ...args], { docker, timeout, ...(input && { input }) })
    assert.equal(status, 0, `${stdout}${stderr}`)
    return stdout
  }
  const post = (job: Pick<Job, 'ask'>, query: string, files: Record<string, string>) =>
    tarOf(files).then((body) => job.ask({ method: 'POST', target: `/build?${query}`, type: 'application/x-tar', body }))

  for (const docker of versions) {
    it(`CLI ${docker} builds stages with arguments, labels, a target and names, and reads the classic builder's lines`, async () => {
      const context = buildContext({
        'sub/My.dockerfile': 'FROM busybox AS made\nARG WHAT=nothing\nRUN echo $WHAT > /made; echo said\nFROM busybox AS last\nLABEL in=file\nCOPY --from=made /made /\nCOPY kept /\nCMD ["cat", "/made", "/kept"]\nFROM busybox\nRUN false',
        kept: 'kept\n', 'ignored/big': 'x', '.dockerignore': 'ignored\n',
      })
      const stdout = await build(a, ['-f', join(context, 'sub/My.dockerfile'), '--build-arg', `WHAT=arg ${docker}`, '--label', 'given=yes', '--target', 'last', '-t', 'made:1', '-t', `host.example:5000/made:${docker}`, context], { docker })
      const id = await a.docker('image', 'inspect', '-f', '{{.Id}}', 'made:1')
      assert.match(stdout, /^Step 1\/\d+ : FROM busybox:latest\n ---> [0-9a-f]{12}$/m)
      assert.match(stdout, /^Step \d\/\d : RUN echo (\$WHAT|arg [\d.]+) > \/made; echo said\nsaid$/m)
      assert.ok(stdout.endsWith(`Successfully built ${id.slice(7, 19)}\nSuccessfully tagged made:1\nSuccessfully tagged host.example:5000/made:${docker}\n`), stdout)
      assert.ok(!stdout.includes(a.id) && !stdout.includes('moorage'), stdout)
      assert.equal(await a.docker('run', '--rm', `host.example:5000/made:${docker}`), `arg ${docker}\nkept`)
      assert.deepEqual(JSON.parse(await a.docker('image', 'inspect', '-f', '{{json .Config.Labels}}', 'made:1')), { in: 'file', given: 'yes' })
    })

    it(`CLI ${docker} builds what it is given on standard input: a Dockerfile, an archive, a compressed one`, async () => {
      const tar = await tarOf({ Dockerfile: 'FROM busybox\nCOPY file /', file: `from ${docker}` })
      const inputs = { dockerfile: Buffer.from(`FROM busybox\nRUN echo ${docker} > /file`), tar, gzip: gzipSync(tar) }
      for (const [name, input] of Object.entries(inputs)) {
        await build(a, ['-t', name, '-'], { docker, input })
        assert.match(await a.docker('run', '--rm', name, 'cat', '/file'), new RegExp(docker))
      }
      const quiet = await build(a, ['-q', '-'], { docker, input: inputs.tar })
      assert.match(quiet, /^sha256:[0-9a-f]{64}\n$/)
    })
  }

  it('the old CLI builds with BuildKit as well, its context in a session of its own', async () => {
    const context = buildContext({ Dockerfile: 'FROM busybox\nCOPY file /\nRUN cat /file > /seen', file: 'by session' })
    await build(a, ['-t', 'by/session', context], { docker: '20.10', env: { DOCKER_BUILDKIT: '1' } })
    assert.equal(await a.docker('run', '--rm', 'by/session', 'cat', '/seen'), 'by session')
    const { status, stderr } = await cli({ ...a.env, DOCKER_BUILDKIT: '1' }, ['build', buildContext({ Dockerfile: 'FROM busybox\nRUN exit 7' })], { docker: '20.10', timeout })
    assert.equal(status, 1)
    assert.match(stderr, /RUN exit 7[\s\S]*exit code: 7/)
  })

  it('builds stand on the namespace\'s images, and on no one else\'s', async () => {
    await build(a, ['-t', 'base', '-'], { input: Buffer.from('FROM busybox\nRUN echo mine > /base') })
    const derived = Buffer.from('FROM base\nCOPY --from=base /base /copied')
    await build(a, ['-t', 'derived', '-'], { input: derived })
    assert.equal(await a.docker('run', '--rm', 'derived', 'cat', '/base', '/copied'), 'mine\nmine')
    const { status, stderr } = await cli({ ...b.env, ...classic }, ['build', '-'], { input: derived, timeout })
    assert.equal(status, 1)
    assert.match(stderr, /base: failed to resolve source metadata/)
  })

  it('an own image is found by its id, whole or short, and a foreign one is not', async () => {
    await build(a, ['-t', 'known', '-'], { input: Buffer.from('FROM busybox\nRUN echo known > /known') })
    const id = await a.docker('image', 'inspect', '-f', '{{.Id}}', 'known')
    for (const name of [id, id.slice('sha256:'.length, 19)]) {
      const derived = Buffer.from(`FROM ${name}\nRUN grep known /known`)
      assert.match(await build(a, ['-'], { input: derived }), /Successfully built/)
      const { status, stderr } = await cli({ ...b.env, ...classic }, ['build', '-'], { input: derived, timeout })
      assert.equal(status, 1)
      assert.match(stderr, /failed to resolve source metadata/)
    }
  })

  it('what goes wrong is told as by the classic builder', async () => {
    const files = { Dockerfile: 'FROM busybox', fail: 'FROM busybox\nRUN echo before; exit 3', bad: 'FROM busybox\nFOO x', copy: 'FROM busybox\nCOPY nothere /' }
    await bench.engine.docker('image', 'inspect', 'busybox')
    for (const query of ['dockerfile=bad', 'target=nosuch', 'dockerfile=missing', 'version=3', 'buildargs=zz', 't=x:y:z', 'dockerfile=fail', 'dockerfile=copy', 'q=1&dockerfile=fail']) {
      const [here, there] = [await post(a, query, files), await post(bench.bare, `rm=1&forcerm=1&${query}`, files)]
      const last = ({ text }: { text: string }) => text.trim().split('\r\n').at(-1)
      if (query !== 'buildargs=zz') assert.equal(last(here), last(there), query)
      // An old engine's status for malformed names stays with the old engines.
      if (!query.startsWith('t=')) assert.equal(here.status, there.status, query)
      if (query === 'dockerfile=fail') assert.match(here.text, /"stream":"before\\n"/)
    }
  })

  it('a .dockerignore that names itself or the Dockerfile takes them from what COPY sees, as the classic builder reads it', async () => {
    const ignored: Record<string, string[]> = {
      'dockerfile=Dockerfile': ['# Dockerfile\n', '/Dockerfile\r\n.dockerignore', 'Docker*\n!Dockerfile', '*\n!kept', '['],
      'dockerfile=sub/file': ['sub', '**/fil?\nDockerfile', 'sub/*\n! /sub/file'],
      '': ['docker*'],
    }
    const lines = 'FROM busybox\nCOPY . /all\nRUN cd /all; find . -type f | sort'
    const told = ({ text }: { text: string }) => text.split('\r\n').filter((line) => /"stream":"\.\//.test(line)).map((line) => JSON.parse(line).stream).join('')
    for (const [query, files] of Object.entries(ignored)) {
      for (const content of files) {
        const context = { '.dockerignore': content, Dockerfile: lines, 'sub/file': lines, kept: '' }
        const [here, there] = [await post(a, `nocache=1&${query}`, context), await post(bench.bare, `rm=1&forcerm=1&nocache=1&${query}`, context)]
        assert.ok(told(there).includes('./kept\n'), there.text)
        assert.equal(told(here), told(there), `${query} with ${JSON.stringify(content)}: ${here.text}`)
      }
    }
    const gone = await build(a, ['-t', 'gone', buildContext({ '.dockerignore': 'Dockerfile', Dockerfile: 'FROM busybox\nCOPY . /all\nRUN test ! -e /all/Dockerfile' })])
    assert.match(gone, /Successfully built/)
  })

  const refused = {
    'networkmode=host': 403, 'networkmode=container:x': 403, 'networkmode=some-network': 403, 'remote=http://127.0.0.1/x': 403, 'remote=https://github.com/a/b.git': 403,
    'cgroupparent=/docker': 403, 'securityopt=%5B%22seccomp%3Dunconfined%22%5D': 403, 'cpusetcpus=0': 403, 'squash=1': 403, 'isolation=hyperv': 403,
    'outputs=%5B%7B%22Type%22%3A%22local%22%7D%5D': 403, 'shmsize=99999999999999': 403, 'extrahosts=x:host-gateway': 403, 'extrahosts=nonsense': 400, 'remote=client-session': 400,
    'labels=%7B%22io.moorage.namespace%22%3A%22x%22%7D': 403, 'ulimits=%5B%7B%22Name%22%3A%22nofile%22%2C%22Soft%22%3A9999999%2C%22Hard%22%3A9999999%7D%5D': 403, 'platform=a/b/c/d': 400,
    'cachefrom=%5B1%5D': 400, 'labels=%5B%5D': 400,
  }
  for (const [query, status] of Object.entries(refused)) {
    it(`is refused with ${decodeURIComponent(query)}, however much is sent with it`, async () => {
      const answer = await a.ask({ method: 'POST', target: `/build?${query}`, type: 'application/x-tar', body: Buffer.alloc(3 << 20) })
      assert.equal(answer.status, status, answer.text)
      assert.ok(answer.json.message.length > 10)
    })
  }

  it('a context of another request is refused in its own words', async () => {
    const answer = await a.ask({ method: 'POST', target: '/build?version=2&remote=upload-request&session=abc&buildid=x', type: 'application/x-tar', body: Buffer.alloc(0) })
    assert.match(answer.json.message, /^remote=upload-request is not allowed in this namespace: the context would come in another request than its build; build a folder/)
  })

  it('a context that is no archive is refused', async () => {
    for (const body of [Buffer.alloc(0), Buffer.from('FROM busybox\n'), Buffer.alloc(3 << 20), Buffer.from('(\xb5/\xfd', 'latin1')]) {
      const answer = await a.ask({ method: 'POST', target: '/build', type: 'application/x-tar', body })
      assert.deepEqual([answer.status, /^the build context is /.test(answer.json.message)], [400, true], answer.text)
    }
  })

  /** Begins a build that sleeps, and answers how to leave it and whether it sleeps. */
  async function sleeping(job: Job, query: string, seconds: string) {
    const body = await tarOf({ Dockerfile: `FROM busybox\nRUN sleep ${seconds}` })
    let said = ''
    const asked = request({ socketPath: job.socket, method: 'POST', path: `/build?${query}`, agent: false, headers: { 'content-type': 'application/x-tar', 'content-length': String(body.length) } },
      (answer) => answer.on('error', () => {}).on('data', (bytes) => { said += bytes }))
    asked.on('error', () => {}).end(body)
    const sleeps = () => readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && commandLine(pid) === `sleep\0${seconds}\0`)
    await until(sleeps, 'the step runs', 90_000).catch((error) => { throw new Error(`${error.message}; the answer so far: ${said}`) })
    return { sleeps, leave: () => void asked.destroy() }
  }

  it('ends when its client is gone', async () => {
    const { sleeps, leave } = await sleeping(a, '', '98761')
    leave()
    await until(() => !sleeps(), 'the step has ended', 60_000)
  })

  it('is cancelled by the id its client gave it, by no other namespace', async () => {
    const { sleeps } = await sleeping(a, 'buildid=mine', '98762')
    assert.equal((await b.ask({ method: 'POST', target: '/build/cancel?id=mine' })).status, 200)
    assert.equal((await a.ask({ method: 'POST', target: '/build/cancel?id=other' })).status, 200)
    assert.ok(sleeps())
    assert.equal((await a.ask({ method: 'POST', target: '/build/cancel?id=mine' })).status, 200)
    await until(() => !sleeps(), 'the step has ended', 60_000)
  })

  it('what has been built is taken from the cache', async () => {
    const input = Buffer.from('FROM busybox\nRUN echo once > /random; cat /proc/sys/kernel/random/uuid >> /random')
    const [first, second] = [await build(a, ['-t', 'cached', '-'], { input }), await build(a, ['-t', 'cached', '-'], { input })]
    assert.doesNotMatch(first, /Using cache/)
    assert.match(second, /^Step 2\/2 : RUN echo once .*\n ---> Using cache$/m)
    assert.equal(first.split('\n').find((line) => line.startsWith('Successfully built')), second.split('\n').find((line) => line.startsWith('Successfully built')))
    assert.doesNotMatch(await build(a, ['--no-cache', '-'], { input }), /Using cache/)
  })

  it('runs beside others', async () => {
    const jobs = [a, b, a, b, a, b]
    await Promise.all(jobs.map((job, index) => build(job, ['-t', `beside:${index}`, '-'], { input: Buffer.from(`FROM busybox\nRUN echo ${index} > /which`) })))
    for (const [index, job] of jobs.entries()) assert.equal(await job.docker('run', '--rm', `beside:${index}`, 'cat', '/which'), String(index))
  })

  it('docker-py, dockerode and Testcontainers build', async () => {
    const context = buildContext({ Dockerfile: 'FROM busybox\nARG A\nCOPY file /\nRUN echo $A >> /file\nCMD ["sleep", "1000"]', file: 'sent\n' })
    const python = await command('/usr/bin/python3', ['-c', `
import docker
client = docker.DockerClient(base_url='unix://${a.socket}')
image, log = client.images.build(path='${context}', tag='py:1', buildargs={'A': 'python'}, rm=True)
assert image.tags == ['py:1'], image.tags
assert client.containers.run('py:1', 'cat /file', remove=True) == b'sent\\npython\\n'
try:
    client.images.build(fileobj=__import__('io').BytesIO(b'FROM busybox\\nRUN exit 5'), rm=True)
    raise SystemExit('it did not fail')
except docker.errors.BuildError as error:
    assert 'returned a non-zero code: 5' in str(error), error
`], { timeout })
    assert.equal(python.status, 0, python.stderr)
    const script = join(context, 'client.ts')
    writeFileSync(script, `
import assert from 'node:assert/strict'
import Docker from '${root}/node_modules/dockerode/lib/docker.js'
import { GenericContainer } from '${root}/node_modules/testcontainers/build/index.js'
const docker = new Docker({ socketPath: '${a.socket}' })
const stream = await docker.buildImage({ context: '${context}', src: ['Dockerfile', 'file'] }, { t: 'node:1', buildargs: { A: 'node' } })
await new Promise((resolve, reject) => docker.modem.followProgress(stream, (error, lines) => error ? reject(error) : resolve(lines)))
assert.deepEqual((await docker.getImage('node:1').inspect()).RepoTags, ['node:1'])
const image = await GenericContainer.fromDockerfile('${context}').withBuildArgs({ A: 'container' }).build('tc:1', { deleteOnExit: false })
const container = await image.start()
assert.equal((await container.exec(['cat', '/file'])).output, 'sent\\ncontainer\\n')
await container.stop()
`)
    const node = await command(process.execPath, [script], { timeout, env: { PATH: process.env['PATH'], DOCKER_HOST: `unix://${a.socket}`, TESTCONTAINERS_RYUK_DISABLED: 'true', HOME: context } })
    assert.equal(node.status, 0, node.stdout + node.stderr)
  })
})

it('an engine that cannot keep builds apart refuses them with a sentence', async () => {
  const bench = await workbench('20.10')
  try {
    const job = await bench.job()
    const { status, stderr } = await cli({ ...job.env, ...classic }, ['build', '-'], { docker: '20.10', input: Buffer.from('FROM busybox'), timeout })
    assert.equal(status, 1)
    assert.match(stderr, /runs Docker Engine 20\.10\.\d+.*building needs Docker Engine 24 or newer/)
  } finally {
    await bench.stop()
  }
})

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { clientEnvironment } from '../setup/cli.ts'
import type { Engine } from '../setup/engine.ts'
import type { Gateway, Namespace } from '../setup/gateway.ts'
import { importPython } from '../setup/images.ts'
import { inside, type Inside } from '../setup/inside.ts'
import { dockerPath, root, versions } from '../setup/paths.ts'
import { until } from '../setup/processes.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

/** Nothing is built on Engine 20.10. */
const building = 'an image is built from a Dockerfile, with build arguments'

const mapped = 'a mapped port is reachable where the client computes it to be'

const ryuk = readFileSync(join(root, 'test/clients/testcontainers/ryuk.py'), 'utf8')

for (const version of versions) {
  describe(`On Engine ${version}`, () => {
    const sockets = mkdtempSync(join(tmpdir(), 'moorage-job-sockets-'))
    let engine: Engine
    let machine: Inside
    let gateway: Gateway
    let ns: Namespace

    before(async () => {
      engine = await sharedEngine(version)
      await importPython(engine)
      machine = inside(engine)
      gateway = await machine.gateway({ config: { images: { shared: ['busybox:latest', 'python:latest'] }, jobSockets: sockets } })
      ns = await gateway.open()
    })

    after(async () => {
      await gateway.moorage(['close', ns.id])
      await gateway.stop()
      rmSync(sockets, { recursive: true })
    })

    const docker = (...args: string[]) => machine.docker(ns.env, args)

    /** Runs the suite as a job does: in a process of its own, whose end Ryuk notices. */
    async function suite(env: Record<string, string>, ...without: string[]): Promise<string[]> {
      const environment = clientEnvironment(env)
      const { status, stdout, stderr } = await engine.enter(process.execPath, [join(root, 'test/clients/testcontainers/suite.ts'), ...without],
        { env: { ...environment, PATH: `${dirname(dockerPath('28.5'))}:${environment['PATH']}`, DEBUG: 'testcontainers*' }, cwd: root, timeout: 250_000 })
      assert.equal(status, 0, `${stdout}${stderr.split('\n').slice(-60).join('\n')}`)
      return stdout.trim().split('\n')
    }

    it('Testcontainers for Node runs unchanged by certificate, and its reaper removes what it left', async () => {
      await buildRyuk(ns)
      const steps = await suite({ ...ns.env, RYUK_CONTAINER_IMAGE: 'ryuk:test', TESTCONTAINERS_RYUK_RECONNECTION_TIMEOUT: '1s' }, ...version === '20.10' ? [building] : [])
      assert.deepEqual([steps.length, steps.includes(building)], version === '20.10' ? [7, false] : [8, true])
      await until(async () => await docker('ps', '-aq', '--filter', 'label=org.testcontainers=true', '--filter', 'status=running') === '', 'the reaper removes everything', 60_000)
    })

    it('Testcontainers finds a namespace on a unix socket, and its reaper gets that one', async () => {
      const path = join(sockets, '..', `${basename(sockets)}.sock`)
      const beside = await gateway.open('--unix', path)
      await buildRyuk(beside)
      // Inside a container, as tests may run, it would take the network's gateway for the host of a unix socket.
      const steps = await suite({ ...beside.env, TESTCONTAINERS_HOST_OVERRIDE: 'localhost', RYUK_CONTAINER_IMAGE: 'ryuk:test', TESTCONTAINERS_RYUK_RECONNECTION_TIMEOUT: '1s' }, '--only', mapped)
      assert.deepEqual(steps, [mapped])
      await until(async () => await machine.docker(beside.env, ['ps', '-q', '--filter', 'label=org.testcontainers=true']) === '', 'the reaper removes everything', 60_000)
      await gateway.moorage(['close', beside.id])
    })

    /** The stand-in as an image of the namespace, as the job's own `docker pull` of the real one would be. */
    async function buildRyuk({ env }: Namespace): Promise<void> {
      const id = await machine.docker(env, ['create', 'python', 'true'])
      await machine.docker(env, ['commit', '-c', `ENTRYPOINT ${JSON.stringify(['python3', '-c', ryuk])}`, '-c', 'CMD []', id, 'ryuk:test'])
      await machine.docker(env, ['rm', id])
    }
  })
}

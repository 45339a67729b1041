import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { clientEnvironment } from '../setup/cli.ts'
import type { Engine } from '../setup/engine.ts'
import type { Gateway, Namespace } from '../setup/gateway.ts'
import { importPython } from '../setup/images.ts'
import { inside, type Inside } from '../setup/inside.ts'
import { root, versions } from '../setup/paths.ts'
import { until } from '../setup/processes.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

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
    async function suite(env: Record<string, string>): Promise<string[]> {
      const { status, stdout, stderr } = await engine.enter(process.execPath, [join(root, 'test/clients/testcontainers/suite.ts')],
        { env: { ...clientEnvironment(env), DEBUG: 'testcontainers*' }, cwd: root, timeout: 200_000 })
      assert.equal(status, 0, `${stdout}${stderr.split('\n').slice(-60).join('\n')}`)
      return stdout.trim().split('\n')
    }

    it('Testcontainers for Node runs unchanged by certificate, and its reaper removes what it left', async () => {
      await docker('run', '--name', 'ryuk', 'busybox', 'true')
      await docker('container', 'rm', 'ryuk')
      await buildRyuk()
      const steps = await suite({ ...ns.env, RYUK_CONTAINER_IMAGE: 'ryuk:test', TESTCONTAINERS_RYUK_RECONNECTION_TIMEOUT: '1s' })
      assert.equal(steps.length, 6)
      await until(async () => await docker('ps', '-aq', '--filter', 'label=org.testcontainers=true', '--filter', 'status=running') === '', 'the reaper removes everything', 60_000)
    })

    /** The stand-in as an image of the namespace, as the job's own `docker pull` of the real one would be. */
    async function buildRyuk(): Promise<void> {
      const id = await docker('create', 'python', 'true')
      await docker('commit', '-c', `ENTRYPOINT ${JSON.stringify(['python3', '-c', ryuk])}`, '-c', 'CMD []', id, 'ryuk:test')
      await docker('rm', id)
    }
  })
}

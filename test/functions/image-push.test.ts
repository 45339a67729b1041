import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { versions } from '../setup/paths.ts'
import { until } from '../setup/processes.ts'
import { credentials, startRegistry, type Registry } from '../setup/registry.ts'
import { startStalledRegistry, type StalledRegistry } from '../setup/stalled-registry.ts'
import { emptyDockerConfig, workbench, type Job, type Workbench } from '../setup/workbench.ts'

/** Pulls and pushes with a real registry: what a job sees, and that nothing of it stays on the engine. */
for (const version of versions) {
  describe(`pushing and pulling on Engine ${version}`, () => {
    let [bench, open, locked, stalled] = [] as unknown as [Workbench, Registry, Registry, StalledRegistry]
    let [a, b] = [] as unknown as [Job, Job]
    before(async () => {
      bench = await workbench(version)
      ;[open, locked, stalled] = await Promise.all([startRegistry(bench.engine), startRegistry(bench.engine, { login: true }), startStalledRegistry(bench.engine)])
      ;[a, b] = [await bench.job(), await bench.job()]
    })
    after(async () => {
      await bench.stop()
      for (const registry of [open, locked, stalled]) registry.stop()
    })
    const underWay = (name: string) => until(async () => (await bench.tags(name)).includes(name), 'the push is under way', 60_000)
    const nothingLeft = async (address: string) => assert.deepEqual((await bench.tags(address)).filter((tag) => !tag.startsWith('moorage.invalid/')), [])

    it('an image goes to a registry and comes back in another namespace, with its digest', async () => {
      const name = `${open.address}/team/app:1`
      const id = await a.image(name, 'there and back')
      const pushed = await a.docker('push', name)
      const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed)?.[1]
      assert.match(pushed, new RegExp(`^The push refers to repository \\[${open.address}/team/app\\]`))
      assert.ok(digest, pushed)
      const pulled = await b.docker('pull', name)
      assert.match(pulled, new RegExp(`Digest: ${digest}\nStatus: Downloaded newer image for ${name}`))
      for (const job of [a, b]) {
        assert.equal(await job.docker('image', 'inspect', '-f', '{{.Id}} {{json .RepoTags}} {{json .RepoDigests}}', name), `${id} ["${name}"] ["${open.address}/team/app@${digest}"]`)
      }
      assert.match(await b.docker('pull', name), /Status: Image is up to date/)
      const byDigest = `${open.address}/team/app@${digest}`
      assert.match(await b.docker('pull', byDigest), new RegExp(`Status: Image is up to date for ${byDigest}`))
      await b.docker('rmi', name)
      assert.equal((await b.cli(['image', 'inspect', byDigest])).status, 1)
      assert.match(await b.docker('pull', byDigest), /Downloaded newer image/)
      assert.equal(await b.docker('image', 'inspect', '-f', '{{.Id}} {{json .RepoTags}}', byDigest), `${id} []`)
      await nothingLeft(open.address)
    })

    it('every tag of a repository is pushed with -a, the repository named once', async () => {
      const name = `${open.address}/team/many`
      await a.image(`${name}:one`, 'many tags')
      await a.docker('tag', `${name}:one`, `${name}:two`)
      const pushed = await a.docker('push', '-a', name)
      assert.equal(pushed.match(/The push refers to repository/g)?.length, 1, pushed)
      for (const tag of ['one', 'two']) {
        assert.match(pushed, new RegExp(`^${tag}: digest: sha256:`, 'm'))
        await b.docker('pull', `${name}:${tag}`)
      }
      await nothingLeft(open.address)
    })

    it('what cannot be pushed is answered as by an engine', async () => {
      const asked = ['nosuch/push?tag=x', 'nosuch/push', `${stalled.address}/nosuch/push?tag=1`, 'a/push?tag=b:c', `a/push?tag=sha256:${'a'.repeat(64)}`, `sha256:${'a'.repeat(64)}/push?tag=1`]
      for (const target of asked) {
        const ask = { method: 'POST', target: `/images/${target}`, headers: { 'x-registry-auth': 'e30=' } }
        const [here, there] = [await a.ask(ask), await bench.bare.ask(ask)]
        assert.equal(here.text, there.text, target)
        // An old engine answers malformed names with 500.
        if (version !== '20.10') assert.equal(here.status, there.status, target)
      }
      await a.image(`${stalled.address}/known:1`, 'known')
      const missing = await a.ask({ method: 'POST', target: `/images/${stalled.address}/known/push?tag=2` })
      assert.match(missing.text, new RegExp(`"error":"tag does not exist: ${stalled.address}/known:2"`))
      const digest = await a.ask({ method: 'POST', target: `/images/${stalled.address}/known@sha256:${'a'.repeat(64)}/push` })
      assert.match(digest.text, /"error":"cannot push a digest reference"/)
    })

    it('another namespace\'s tag is not pushed', async () => {
      await b.image(`${open.address}/theirs:1`, 'not yours')
      const { status, stderr } = await a.cli(['push', `${open.address}/theirs:1`])
      assert.equal(status, 1)
      assert.match(stderr, new RegExp(`An image does not exist locally with the tag: ${open.address}/theirs`))
    })

    it('credentials are the job\'s own, for this one call, and kept nowhere', async () => {
      const name = `${locked.address}/private/app:1`
      await a.image(name, 'private')
      const refused = await a.cli(['push', name])
      assert.equal(refused.status, 1)
      assert.match(refused.stderr + refused.stdout, /no basic auth credentials|unauthorized/)
      const config = { DOCKER_CONFIG: emptyDockerConfig() }
      const loggedIn = { ...a, docker: async (...args: string[]) => a.cli(['--config', config.DOCKER_CONFIG, ...args], { input: credentials.password }) }
      const login = await loggedIn.docker('login', '-u', credentials.username, '--password-stdin', locked.address)
      assert.equal(login.status, 0, login.stderr)
      const pushed = await loggedIn.docker('push', name)
      assert.equal(pushed.status, 0, pushed.stderr)
      const stranger = await b.cli(['pull', name])
      assert.equal(stranger.status, 1)
      assert.match(stranger.stderr, /no basic auth credentials|unauthorized/)
      const pulled = await b.cli(['--config', config.DOCKER_CONFIG, 'pull', name])
      assert.equal(pulled.status, 0, pulled.stderr)
      const header = Buffer.from(JSON.stringify(credentials)).toString('base64')
      const wrong = await b.ask({ method: 'POST', target: `/images/create?fromImage=${locked.address}/private/app&tag=1`, headers: { 'x-registry-auth': header.slice(0, 9) } })
      assert.match(wrong.text, /no basic auth credentials|unauthorized/)
      const kept = bench.everythingKept()
      const secrets = [credentials.password, Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64'), header.slice(0, 20)]
      assert.deepEqual(secrets.filter((secret) => kept.includes(secret)), [])
      await nothingLeft(locked.address)
    })

    it('namespaces that push and pull one reference at the same time each get what they sent or one of the others\', whole', async () => {
      const name = `${open.address}/contested:1`
      const jobs = [a, b, await bench.job()]
      const ids = await Promise.all(jobs.map((job) => job.image(name, `contested by ${job.id}`)))
      const digests = await Promise.all(jobs.map(async (job) => {
        const pushed = new Set<string>()
        for (let round = 0; round < 3; round++) pushed.add(/digest: (sha256:\S+)/.exec(await job.docker('push', name))?.[1] ?? 'none')
        return [...pushed]
      }))
      // What one pushed was never another's image under the same name.
      assert.equal(new Set(digests.flat()).size, jobs.length, JSON.stringify(digests))
      assert.ok(digests.every((pushed) => pushed.length === 1 && pushed[0] !== 'none'))
      for (const [index, job] of jobs.entries()) assert.equal(await job.docker('image', 'inspect', '-f', '{{.Id}}', name), ids[index])
      await Promise.all(jobs.map(async (job, index) => {
        for (let round = 0; round < 3; round++) {
          await job.docker('pull', `${open.address}/contested@${digests[index]}`)
          await job.docker('pull', name)
          assert.ok(ids.includes(await job.docker('image', 'inspect', '-f', '{{.Id}}', name)))
        }
      }))
      await nothingLeft(open.address)
    })

    it('a client that goes away leaves no real reference behind', async () => {
      const name = `${stalled.address}/stuck:1`
      const id = await a.image(name, 'stuck')
      const leave = begin(a, 'POST', `/images/${stalled.address}/stuck/push?tag=1`)
      await underWay(name)
      // Another namespace sees nothing of it meanwhile.
      assert.equal((await b.ask({ target: `/images/${name}/json` })).status, 404)
      assert.equal((await b.ask({ method: 'POST', target: '/containers/create', body: { Image: name } })).status, 404)
      assert.deepEqual((await b.ask({ target: '/images/json?all=1' })).json.filter((one: any) => one.Id === id), [])
      leave()
      await until(async () => (await bench.tags(stalled.address)).every((tag) => tag.startsWith('moorage.invalid/')), 'the real reference is gone', 60_000)
      assert.equal(await a.docker('image', 'inspect', '-f', '{{.Id}}', name), id)
    })

    it('a gateway that is killed leaves no real reference behind once one runs again', async () => {
      const name = `${stalled.address}/killed:1`
      const id = await a.image(name, 'killed')
      const pushing = a.cli(['push', name], { timeout: 100_000 })
      await underWay(name)
      await bench.gateway.kill()
      await pushing
      assert.deepEqual((await bench.tags(name)).filter((tag) => !tag.startsWith('moorage.invalid/')), [name])
      await bench.gateway.restart()
      await until(async () => (await bench.tags(name)).every((tag) => tag.startsWith('moorage.invalid/')), 'the real reference is gone', 90_000)
      assert.equal(await a.docker('image', 'inspect', '-f', '{{.Id}}', name), id)
    })
  })
}

/** Begins a request and answers how to leave it. */
function begin(job: Job, method: string, path: string): () => void {
  const asked = request({ socketPath: job.socket, method, path, agent: false, headers: { 'x-registry-auth': 'e30=', 'content-length': '0' } }, (answer) => answer.on('error', () => {}).resume())
  asked.on('error', () => {}).end()
  return () => void asked.destroy()
}

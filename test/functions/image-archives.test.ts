import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { command } from '../setup/command.ts'
import { imageArchive } from '../setup/image-archive.ts'
import { busyboxTar } from '../setup/images.ts'
import { versions } from '../setup/paths.ts'
import { workbench, type Job, type Workbench } from '../setup/workbench.ts'

/** Images as archives and made of containers: save, load, import, commit. */
for (const version of versions) {
  describe(`archives and commits on Engine ${version}`, () => {
    let bench: Workbench
    let [a, b] = [] as unknown as [Job, Job]
    const directory = mkdtempSync(join(tmpdir(), 'moorage-archives-'))
    const at = (name: string) => join(directory, name)
    before(async () => {
      bench = await workbench(version)
      ;[a, b] = [await bench.job(), await bench.job()]
    })
    after(async () => {
      await bench.stop()
      rmSync(directory, { recursive: true })
    })

    /** An engine leaves the order of annotations to chance. */
    const parsed = (text: string) => text === '' ? '' : JSON.parse(text)
    const readable = async (archive: string) => Object.fromEntries(Object.entries(await named(archive)).map(([file, text]) => [file, parsed(String(text))]))
    const named = async (archive: string) => Object.fromEntries(await Promise.all(['manifest.json', 'repositories', 'index.json'].map(async (file) =>
      [file, (await command('tar', ['-xOf', archive, file])).stdout])))

    it('what is saved is what an engine saves, in the job\'s names, and loads in another namespace', async () => {
      const names = ['app:1', 'host.example:5000/team/app:2']
      const { tar, id } = await imageArchive({ tags: names, content: `saved on ${version}` })
      writeFileSync(at('made.tar'), tar)
      assert.equal(await a.docker('load', '-i', at('made.tar')), names.map((name) => `Loaded image: ${name}`).join('\n'))
      await a.docker('save', '-o', at('saved.tar'), ...names)
      assert.ok(!readFileSync(at('saved.tar'), 'latin1').includes(a.id), 'the namespace\'s token is in the archive')
      await bench.engine.docker('load', '-i', at('made.tar'))
      await bench.engine.docker('save', '-o', at('bare.tar'), ...names)
      await bench.engine.docker('rmi', ...names)
      assert.deepEqual(await readable(at('saved.tar')), await readable(at('bare.tar')))
      await b.docker('load', '-i', at('saved.tar'))
      for (const name of names) assert.equal(await b.docker('image', 'inspect', '-f', '{{.Id}}', name), id)
    })

    it('a repository is saved with all its tags, an id without any, and a shared image under its own name', async () => {
      const id = await a.image('repo/many:1', `many on ${version}`)
      await a.docker('tag', 'repo/many:1', 'repo/many:2')
      await a.docker('save', '-o', at('many.tar'), 'repo/many', 'busybox')
      const tags = (await named(at('many.tar')))['manifest.json']
      assert.deepEqual(JSON.parse(tags).map((item: any) => item.RepoTags).toSorted(), [['busybox:latest'], ['repo/many:1', 'repo/many:2']])
      for (const term of [id, id.slice(7), id.slice(7, 19), id.slice(0, 20)]) {
        await a.docker('save', '-o', at('id.tar'), term)
        assert.equal(JSON.parse((await named(at('id.tar')))['manifest.json'])[0].RepoTags, null)
      }
    })

    it('what cannot be saved is answered as by an engine, another namespace\'s image too', async () => {
      const theirs = await b.image('theirs:1', `theirs on ${version}`)
      const terms = ['nosuch', 'nosuch:x', 'sha256:abcd', 'abcdabcdabcd', 'Upper', `nosuch@sha256:${'a'.repeat(64)}`]
      for (const target of [...terms.map((term) => `/images/${term}/get`), '/images/get?names=busybox&names=nosuch', '/images/get?names=']) {
        const [here, there] = [await a.ask({ target }), await bench.bare.ask({ target })]
        // An old engine tells less of what is wrong with a name.
        assert.deepEqual([here.status, target.includes('Upper') ? '' : here.text], [there.status, target.includes('Upper') ? '' : there.text], target)
      }
      for (const [term, text] of [['theirs', 'No such image: theirs'], ['theirs:1', 'reference does not exist'], [theirs, `No such image: ${theirs}`]]) {
        const answer = await a.ask({ target: `/images/${term}/get` })
        assert.deepEqual([answer.status, answer.json], [404, { message: text }])
      }
    })

    it('archives are loaded gzipped, from a pipe, and twice', async () => {
      const { tar, id } = await imageArchive({ tags: ['zipped:1'], content: `zipped on ${version}` })
      for (let round = 0; round < 2; round++) {
        const { status, stdout, stderr } = await a.cli(['load'], { input: gzipSync(tar) })
        assert.equal(status, 0, stderr)
        assert.match(stdout, /Loaded image: zipped:1/)
      }
      assert.equal(await a.docker('image', 'inspect', '-f', '{{.Id}}', 'zipped:1'), id)
      assert.deepEqual(await bench.tags('loading:'), [])
    })

    it('a container becomes an image, without the gateway\'s label', async () => {
      const container = await a.docker('run', '-d', '-l', 'kept=yes', 'busybox', 'touch', '/made')
      await a.docker('wait', container)
      const id = await a.docker('commit', '-m', 'why', '-a', 'who', '-c', 'ENV A=b', '-c', 'LABEL more=x', '-c', 'CMD ["ls", "/made"]', container, 'made/of:it')
      assert.equal(await a.docker('run', '--rm', 'made/of:it'), '/made')
      const image = (await a.ask({ target: '/images/made/of:it/json' })).json
      assert.deepEqual([image.Id, image.Comment, image.Author, image.Config.Labels], [id, 'why', 'who', { kept: 'yes', more: 'x' }])
      assert.ok(image.Config.Env.includes('A=b'))
      assert.ok(!JSON.stringify(image).includes(a.id))
      assert.deepEqual((await bench.bare.ask({ target: `/images/${id}/json` })).json.Config.Labels, { 'io.moorage.namespace': '', kept: 'yes', more: 'x' })
      const unnamed = await a.docker('commit', container)
      assert.deepEqual(JSON.parse(await a.docker('image', 'inspect', '-f', '{{json .RepoTags}}', unnamed)), [])
      assert.equal((await b.ask({ target: `/images/${id}/json` })).status, 404)
      const body = { Cmd: ['true'], Labels: { mine: '1' }, Env: ['X=1'], ExposedPorts: { '80/tcp': {} } }
      const withBody = await a.ask({ method: 'POST', target: `/commit?container=${container}&repo=body&pause=0`, body })
      assert.equal(withBody.status, 201, withBody.text)
      assert.deepEqual((await a.ask({ target: '/images/body/json' })).json.Config.Cmd, ['true'])
      assert.deepEqual(await bench.tags('loading:'), [])
    })

    it('what cannot be committed is answered as by an engine', async () => {
      const [own, theirs] = [await a.docker('create', 'busybox'), await b.docker('create', 'busybox')]
      const bare = await bench.engine.docker('create', 'busybox')
      const queries = ['container=nosuch', 'container=ID&repo=x@sha256:' + 'a'.repeat(64), 'container=ID&changes=RUN%20x', 'container=ID&changes=FROM%20x', 'container=ID&repo=a&tag=b:c']
      for (const query of queries) {
        const ask = (id: string) => ({ method: 'POST', target: `/commit?${query.replace('ID', id)}` })
        const [here, there] = [await a.ask(ask(own)), await bench.bare.ask(ask(bare))]
        assert.equal(here.text, there.text, query)
        // An old engine answers malformed tags with 500.
        if (version !== '20.10') assert.equal(here.status, there.status, query)
      }
      await bench.engine.docker('rm', bare)
      const foreign = await a.ask({ method: 'POST', target: `/commit?container=${theirs}` })
      assert.deepEqual([foreign.status, foreign.json], [404, { message: `No such container: ${theirs}` }])
      for (const body of [{ Labels: { 'io.moorage.namespace': b.id } }, { Unknown: 1 }]) {
        assert.ok((await a.ask({ method: 'POST', target: `/commit?container=${own}`, body })).status >= 400)
      }
    })

    it('a file system is imported with changes', async () => {
      const id = await a.docker('import', '-m', 'from a tar', '-c', 'CMD ["echo", "hi"]', '-c', 'env PATH=/bin', busyboxTar(), 'imported:1')
      assert.equal(await a.docker('run', '--rm', 'imported:1'), 'hi')
      assert.equal(await a.docker('image', 'inspect', '-f', '{{.Id}} {{.Comment}}', 'imported:1'), `${id} from a tar`)
      const refused = await a.cli(['import', '-c', 'RUN x', busyboxTar()])
      assert.match(refused.stderr, /(RUN|run) is not a valid change command/)
      assert.deepEqual(await bench.tags('loading:'), [])
    })

    it('docker-py saves, loads, imports and commits', async () => {
      const { status, stderr } = await command('/usr/bin/python3', ['-c', `
import docker, io, sys
client = docker.DockerClient(base_url='unix://${a.socket}')
image = client.images.get('busybox')
archive = b''.join(image.save(named=True))
loaded = client.images.load(archive)
assert loaded[0].id == image.id, loaded
container = client.containers.run('busybox', 'touch /py', detach=True)
container.wait()
made = container.commit(repository='py/made', tag='1', message='m', author='a', changes='ENV P=y\\nLABEL q=r', conf={'Cmd': ['ls', '/py']})
assert made.tags == ['py/made:1'], made.tags
assert made.labels == {'q': 'r'}, made.labels
assert client.containers.run('py/made:1', remove=True) == b'/py\\n'
container.remove()
client.api.import_image_from_data(open('${busyboxTar()}', 'rb').read(), repository='py/imported', tag='2')
assert client.images.get('py/imported:2').tags == ['py/imported:2']
`], { timeout: 120_000 })
      assert.equal(status, 0, stderr)
    })
  })
}

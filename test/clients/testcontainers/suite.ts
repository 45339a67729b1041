import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DockerComposeEnvironment, GenericContainer, Network, Wait, type StartedTestContainer } from 'testcontainers'
import { atExit } from '../../setup/at-exit.ts'

/**
 * What people's tests do with Testcontainers, against whatever DOCKER_HOST says. Run where the gateway's address is, it prints a line for
 * each step that went well, and ends without stopping its containers: that is Ryuk's work.
 */
const web = (name: string) => new GenericContainer('busybox')
  .withCommand(['sh', '-c', `mkdir -p /www && echo ${name} > /www/index.html && echo serving && exec httpd -f -p 80 -h /www`])
  .withExposedPorts(80)

const directory = mkdtempSync(join(tmpdir(), 'moorage-testcontainers-'))
atExit(() => rmSync(directory, { recursive: true }))

const get = async (container: StartedTestContainer, port = 80, path = '/') =>
  (await (await fetch(`http://${container.getHost()}:${container.getMappedPort(port)}${path}`)).text()).trim()

const steps: Record<string, () => Promise<void>> = {
  async 'a mapped port is reachable where the client computes it to be'() {
    const container = await web('mapped').withWaitStrategy(Wait.forHttp('/', 80)).start()
    assert.equal(await get(container), 'mapped')
  },
  async 'wait strategies: listening ports, log message, health check, a successful command, one shot'() {
    await web('ports').start()
    await web('log').withWaitStrategy(Wait.forLogMessage('serving')).start()
    await web('health').withHealthCheck({ test: ['CMD-SHELL', 'test -e /www/index.html'], interval: 500, timeout: 5000, retries: 100, startPeriod: 0 })
      .withWaitStrategy(Wait.forHealthCheck()).start()
    await web('command').withWaitStrategy(Wait.forSuccessfulCommand('test -e /www/index.html')).start()
    await new GenericContainer('busybox').withCommand(['true']).withWaitStrategy(Wait.forOneShotStartup()).start()
  },
  async 'exec, copy in and out, logs'() {
    const container = await web('files').withCopyContentToContainer([{ content: 'copied in', target: '/www/in.txt' }]).start()
    assert.equal(await get(container, 80, '/in.txt'), 'copied in')
    assert.deepEqual(await container.exec(['sh', '-c', 'echo out; echo err >&2; exit 3']).then(({ exitCode, stdout, stderr }) => [exitCode, stdout, stderr]), [3, 'out\n', 'err\n'])
    await container.copyContentToContainer([{ content: 'later', target: '/www/later.txt' }])
    assert.equal(await get(container, 80, '/later.txt'), 'later')
    let archive = ''
    for await (const chunk of await container.copyArchiveFromContainer('/www/later.txt')) archive += String(chunk)
    assert.match(archive, /later\.txt/)
    const logs = await container.logs()
    const line = await new Promise<string>((resolve) => { logs.once('data', (data) => resolve(String(data))) })
    assert.match(line, /serving/)
  },
  async 'networks with aliases'() {
    const network = await new Network().start()
    await web('aliased').withNetwork(network).withNetworkAliases('backend').start()
    const client = await new GenericContainer('busybox').withNetwork(network).withCommand(['sleep', '1000']).start()
    assert.match((await client.exec(['sh', '-c', 'printf "GET / HTTP/1.0\\r\\n\\r\\n" | nc backend 80'])).stdout, /aliased/)
  },
  async 'an image is built from a Dockerfile, with build arguments'() {
    writeFileSync(join(directory, 'Dockerfile'), 'FROM busybox\nARG SAYS\nRUN mkdir /www && echo $SAYS > /www/index.html\nCMD ["httpd", "-f", "-p", "80", "-h", "/www"]\n')
    const image = await GenericContainer.fromDockerfile(directory).withBuildArgs({ SAYS: 'built' }).build('built:test', { deleteOnExit: false })
    assert.equal(await get(await image.withExposedPorts(80).start()), 'built')
  },
  async 'the compose module starts services and finds their ports'() {
    writeFileSync(join(directory, 'compose.yaml'), JSON.stringify({
      services: { web: { image: 'busybox', command: ['sh', '-c', 'mkdir /www && echo composed > /www/index.html && exec httpd -f -p 80 -h /www'], ports: ['80'] } },
    }))
    const environment = await new DockerComposeEnvironment(directory, 'compose.yaml').withWaitStrategy('web-1', Wait.forListeningPorts()).up()
    assert.equal(await get(environment.getContainer('web-1')), 'composed')
    await environment.down({ timeout: 0 })
  },
  async 'restart and stop'() {
    const container = await web('again').start()
    await container.restart()
    assert.equal(await get(container), 'again')
    await container.stop()
  },
  async 'reuse finds the container again'() {
    process.env['TESTCONTAINERS_REUSE_ENABLE'] = 'true'
    const [one, two] = [await web('reused').withReuse().start(), await web('reused').withReuse().start()]
    assert.equal(one.getId(), two.getId())
    await one.stop()
  },
}

// Testcontainers waits for logs on connections that do not keep a process alive.
setInterval(() => {}, 60_000)
// Arguments: steps to leave out, for which an engine may be too old, or behind --only the ones to take.
const [, , ...named] = process.argv
const wanted = (name: string) => named[0] === '--only' ? named.includes(name) : !named.includes(name)
for (const [name, step] of Object.entries(steps).filter(([name]) => wanted(name))) {
  await step()
  console.log(name)
}
process.exit()

/** What people do with dockerode, telling what came of it. Ids and times are made equal by whoever compares. */
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import Docker from 'dockerode'

const docker = new Docker()
const tell = (...what: unknown[]) => console.log(...what.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))))
const refused = (work: Promise<unknown>) => work.then((value) => tell('done', value), (error) => tell(error.statusCode, error.message))

tell(String(await docker.ping()), (await docker.info()).Containers)
const out = new PassThrough()
const [ended, once] = await docker.run('busybox', ['sh', '-c', 'echo hello; exit 3'], out, { Tty: true })
tell(ended.StatusCode, await text(out.end()))
await once.remove()
await refused(docker.getContainer('nosuch').inspect())
await refused(docker.getContainer('nosuch').kill())
await refused(docker.getImage('nosuch').inspect())
await refused(docker.getNetwork('nosuch').inspect())
await refused(docker.getVolume('nosuch').inspect())
await refused(docker.createContainer({ Image: 'nosuch' }))

const network = await docker.createNetwork({ Name: 'net', CheckDuplicate: true })
await docker.createVolume({ Name: 'vol' })
const box = await docker.createContainer({
  name: 'box', Image: 'busybox', Cmd: ['sleep', '1000'], Env: ['A=1'], Labels: { x: 'y' },
  HostConfig: { NetworkMode: 'net', Binds: ['vol:/data'], Init: true, Memory: 64 * 2 ** 20 }, ExposedPorts: { '80/tcp': {} },
})
await box.start()
await refused(box.start())
const shown = await box.inspect()
tell(shown.Name, shown.Config.Image, shown.State.Status, shown.HostConfig.Binds, Object.keys(shown.NetworkSettings.Networks), shown.Mounts.map(({ Name, Destination }) => [Name, Destination]))
tell((await docker.listContainers({ filters: { label: ['x=y'] } })).map((one) => [one.Names, one.Image, one.State, one.Labels]))

/** Runs a command inside as Testcontainers does: without an upgrade, or with one. */
async function inside(hijack: boolean, ...Cmd: string[]): Promise<void> {
  const exec = await box.exec({ Cmd, AttachStdout: true, AttachStderr: true, AttachStdin: hijack })
  const stream = await exec.start({ hijack, stdin: hijack })
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  docker.modem.demuxStream(stream, stdout, stderr)
  stream.on('end', () => { stdout.end(); stderr.end() })
  if (hijack) stream.end('typed\n')
  const [said, complained] = await Promise.all([text(stdout), text(stderr)])
  const { ExitCode, Running } = await exec.inspect()
  tell(said, complained, ExitCode, Running)
}
await inside(true, 'sh', '-c', 'cat; echo err >&2; exit 4')
await inside(false, 'sh', '-c', 'echo out; exit 5')

await box.pause()
await refused(box.pause())
await box.unpause()
await box.rename({ name: 'renamed' })
tell((await docker.getContainer('renamed').inspect()).Name, (await box.top({ ps_args: '-o pid,comm' })).Titles)
const other = await docker.createNetwork({ Name: 'other' })
await other.connect({ Container: box.id, EndpointConfig: { Aliases: ['also'] } })
tell(Object.keys((await box.inspect()).NetworkSettings.Networks).toSorted())
await other.disconnect({ Container: box.id })
await refused(other.disconnect({ Container: box.id }))
await box.update({ Memory: 128 * 2 ** 20, MemorySwap: 256 * 2 ** 20 })
tell((await box.inspect()).HostConfig.Memory)
const stats = await box.stats({ stream: false })
tell(stats.name, Object.keys(stats.networks ?? {}))
const archive = await box.getArchive({ path: '/etc/group' })
tell((await text(archive as unknown as AsyncIterable<Uint8Array>)).includes('nogroup'))
await box.stop({ t: 1 })
await refused(box.stop())
tell((await box.wait()).StatusCode, (await box.changes() ?? []).length > 0)
await box.remove({ v: true })
await refused(box.remove())

const logger = await docker.createContainer({ Image: 'busybox', Cmd: ['sh', '-c', 'echo 1; echo 2 >&2'] })
const attached = await logger.attach({ stream: true, stdout: true, stderr: true })
const both = [new PassThrough(), new PassThrough()] as const
docker.modem.demuxStream(attached, ...both)
attached.on('end', () => both.forEach((one) => one.end()))
await logger.start()
tell(await text(both[0]), await text(both[1]), (await logger.wait()).StatusCode)
tell(String(await logger.logs({ stdout: true, stderr: false })).slice(8))
await logger.remove()

await docker.getImage('busybox').tag({ repo: 'mine', tag: 'v1' })
tell((await docker.listImages()).flatMap((one) => one.RepoTags ?? []).toSorted(), (await docker.getImage('mine:v1').history()).length)
await docker.getImage('mine:v1').remove()
await refused(docker.getImage('mine:v1').remove())
await network.remove()
await other.remove()
await docker.getVolume('vol').remove()
tell((await docker.listNetworks()).map((one) => one.Name).toSorted(), (await docker.listVolumes()).Volumes)
const pruned = await docker.pruneContainers()
tell(pruned)

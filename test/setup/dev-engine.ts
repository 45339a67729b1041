import { parseArgs } from 'node:util'
import { startEngine } from './engine.ts'
import { importBusybox } from './images.ts'
import { dockerPath, versions, type Version } from './paths.ts'
import { startRegistry } from './registry.ts'

/** `node test/setup/dev-engine.ts [--version 20.10|28.5] [--registry]`: an engine with busybox to try things on, until Ctrl-C. */
const { values } = parseArgs({ options: { version: { type: 'string', default: '28.5' }, registry: { type: 'boolean' } } })
const version = versions.find((one) => one === values.version) as Version | undefined
if (!version) throw new Error(`There is no Engine ${values.version} here; take one of ${versions.join(', ')}`)

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit())
const engine = await startEngine({ version })
await importBusybox(engine)
console.log(`export DOCKER_HOST=unix://${engine.socket}`)
console.log(`alias docker=${dockerPath(version)}`)
if (values.registry) console.log(`registry=${(await startRegistry(engine)).address}`)
console.log(`# Engine ${version}, pid ${engine.pid}, network: nsenter --net=/run/netns/${engine.directory.replace(/.*\//, 'moorage-')}. It ends with this process (${process.pid}).`)
setInterval(() => {}, 1 << 30)

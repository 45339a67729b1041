import { createHash } from 'node:crypto'
import { createApp } from '../../functions/index.ts'
import { inMemory } from '../../infra/stores/sqlite-file.ts'
import { openSqliteStore } from '../../infra/stores/sqlite.ts'
import type { Connection, EngineAnswer, EngineRequest, Host } from '../../lib/engine.ts'
import type { House } from '../../lib/pipeline.ts'
import { defaultPolicy } from '../../lib/policy.ts'
import { Refusal } from '../../lib/refusal.ts'
import { storedReference, parseReference, untaggedReference } from '../../lib/reference.ts'
import type { Kind } from '../../lib/store.ts'
import { imageArchive } from '../setup/image-archive.ts'

/**
 * Two namespaces and an engine that has things of both, without sockets: the whole of the app with a real store, and in place of the engine
 * one that answers everything it is asked, of whomever it is, and remembers the questions.
 */

export const own = 'ownabcdefghijklm'
export const foreign = 'foreignsecret000'

/** Ids that begin alike, as prefixes must not tell them apart. */
const idOf = (start: string, name: string) => `${start}${createHash('sha256').update(name).digest('hex')}`.slice(0, 64)

interface Things { container: string; network: string; volume: string; exec: string; image: string; reference: string }

export const mine: Things = {
  container: idOf('11aa1', 'own'), network: idOf('22aa1', 'own'), volume: `${own}.data`, exec: idOf('33aa1', 'own'), image: `sha256:${idOf('44aa1', 'own')}`,
  reference: storedReference(own, parseReference('app:1')),
}
export const theirs: Things = {
  container: idOf('11aa2', 'foreign'), network: idOf('22aa2', 'foreign'), volume: `${foreign}.hiddendata`, exec: idOf('33aa2', 'foreign'),
  image: `sha256:${idOf('44aa2', 'foreign')}`, reference: storedReference(foreign, parseReference('hiddenapp:1')),
}
export const sharedImage = `sha256:${idOf('44bb', 'shared')}`

/** What must never be told of the other namespace, unless the job has said it itself. */
export const secrets = [foreign, 'hidden', ...[theirs.container, theirs.network, theirs.exec, theirs.image.slice(7)].flatMap((id) => [id, id.slice(0, 12)])]

export interface Told {
  status: number
  /** What a client would read, headers too. */
  text: string
  /** What the engine was asked. */
  asked: EngineRequest[]
  /** What was thrown and is no refusal. */
  failures: unknown[]
}

export interface Town {
  /** Sends one request of the own namespace through the app. */
  ask(request: { method: string; target: string; headers?: Record<string, string>; body?: Uint8Array }): Promise<Told>
}

export async function buildTown(): Promise<Town> {
  const asked: EngineRequest[] = []
  const failures: unknown[] = []
  const archive = await imageArchive({ tags: [mine.reference, theirs.reference], content: 'x' })
  const host = fakeHost(asked, archive.tar)
  let house = await fakeHouse(host, failures)
  const app = createApp(new Proxy({} as House, { get: (_target, key) => house[key as keyof House] }))
  return {
    async ask({ method, target, headers = {}, body = new Uint8Array() }) {
      await house.store.shutdown()
      house = await fakeHouse(host, failures)
      asked.length = failures.length = 0
      const connection = fakeConnection(asked, method, headers, body)
      const response = await app.fetch(new Request('http://moorage/', { method: method === 'HEAD' ? 'GET' : method }), { target, namespace: own, connection })
      return { status: response.status, text: `${await response.text()}${JSON.stringify([...response.headers])}`, asked: [...asked], failures: [...failures] }
    },
  }
}

async function fakeHouse(host: Host, failures: unknown[]): Promise<House> {
  const store = openSqliteStore(inMemory)
  const time = { opened: 0, expires: 2 ** 50, lease: 2 ** 50 }
  for (const id of [own, foreign]) await store.open({ id, host: 'engine', policy: 'default', label: '', domain: id, state: 'open', by: 'test', ...time })
  for (const [ns, things, prefix] of [[own, mine, ''], [foreign, theirs, 'hidden']] as const) {
    const claims: [Kind, string, string][] = [
      ['container', `${prefix}db`, things.container], ['network', `${prefix}net`, things.network], ['volume', `${prefix}data`, things.volume],
      ['network', 'bridge', idOf('55', ns)], ['image', things.image, things.image], ['reference', `docker.io/library/${prefix}app:1`, things.image],
    ]
    for (const [kind, name, id] of claims) await store.claim({ ns, kind, name, id })
  }
  return {
    store, namespace: (id) => store.find(id), host: () => host, policy: () => ({ ...defaultPolicy, registries: ['docker.io'] }), shared: () => host.shared,
    ports: { take: async () => undefined, refresh: async () => undefined, dialled: () => [] },
    jobSockets: { isOwn: () => false, path: async () => undefined },
    now: () => 1_800_000_000_000, randomHex: () => createHash('sha256').update(String(Math.random())).digest('hex'), observe: ({ failure }) => {
      if (failure !== undefined) failures.push(failure)
    },
  }
}

const info = { DockerRootDir: '/srv/hidden-root', Name: 'hidden-host', ID: 'hidden', Labels: ['hidden'], OSType: 'linux', NCPU: 2, MemTotal: 1024, Architecture: 'x86_64' }

function fakeHost(asked: EngineRequest[], archive: Uint8Array): Host {
  const call = async (request: EngineRequest): Promise<EngineAnswer> => {
    asked.push(request)
    return engineSays(request)
  }
  const away = () => Promise.reject(new Refusal(503, 'no such service in this town'))
  return {
    name: 'engine', call, facts: () => ({ engineVersion: '28.5.2', apiVersion: '1.51', minApiVersion: '1.24', version: { Version: '28.5.2' }, info, now: () => 0 }),
    async stream(request) {
      asked.push(request)
      const { text, ...head } = engineSays(request)
      const bytes = /^\/images\/(.*\/)?get$/.test(request.path) ? archive : new TextEncoder().encode(text)
      return { ...head, body: (async function* () { yield bytes })() }
    },
    shared: new Map([['docker.io/library/busybox:latest', sharedImage]]), publishOn: '127.0.0.1', sharesFiles: false,
    image: async (id) => (id === theirs.image || id === mine.image || id === sharedImage ? imageFacts(id) : undefined),
    config: async () => undefined, announce: () => undefined, watch: async () => (async function* () {})(),
    containerOfExec: async (exec) => ({ [mine.exec]: mine.container, [theirs.exec]: theirs.container })[exec], learnExec: () => undefined,
    channel: away, session: away, groups: { containers: async () => '/moorage/x', builds: async () => ({ parent: '/moorage/x', caches: 'x' }) },
    builds: new Map(), building: new Map(), exclusively: (_key, work) => work(), leftTurns: async () => [],
    inTurn: (_key, work) => work({ left: undefined, lost: new AbortController().signal, note: async () => undefined, abandon: () => undefined }),
  }
}

function imageFacts(id: string) {
  return { Id: id, RepoTags: [mine.reference, theirs.reference], RepoDigests: [], Parent: theirs.image, Created: '2020-01-01T00:00:00Z', Size: 1, Architecture: 'amd64', Os: 'linux',
    Config: { Labels: {}, ExposedPorts: { '80/tcp': {} }, Volumes: null }, RootFS: { Type: 'layers', Layers: [] }, GraphDriver: { Name: 'overlay2', Data: { UpperDir: '/srv/hidden-root/overlay2/x' } }, Metadata: {} }
}

const sides = [[own, mine, ''], [foreign, theirs, 'hidden']] as const

/** An engine narrows nothing down and knows everybody's things: only the gateway stands between. */
function engineSays({ method, path }: EngineRequest): EngineAnswer {
  const json = (value: unknown, status = 200): EngineAnswer => ({ status, headers: { 'content-type': 'application/json' }, text: JSON.stringify(value) })
  if (path.endsWith('/wait')) return json({ StatusCode: 0 })
  if (path === '/commit') return json({ Id: `sha256:${idOf('66', String(Math.random()))}` }, 201)
  if (method === 'POST' && /\/(create|exec|tag)$/.test(path)) return json({ Id: idOf('66', String(Math.random())), Warnings: [] }, 201)
  if (method === 'DELETE' && path.startsWith('/images/')) return json([{ Untagged: 'x' }])
  if (method !== 'GET') return { status: 204, headers: {}, text: '' }
  if (path === '/containers/json') return json(sides.map(([ns, { container }, prefix]) => summary(ns, container, prefix)))
  if (path === '/networks') return json(sides.map(([ns, { network }, prefix]) => ({ Name: `${ns}.${prefix}net`, Id: network, Driver: 'bridge', Labels: {}, Options: {}, IPAM: { Config: [] }, Containers: {} })))
  if (path === '/volumes') return json({ Volumes: sides.map(([, { volume }]) => ({ Name: volume, Driver: 'local', Labels: {}, Mountpoint: `/srv/hidden-root/volumes/${volume}/_data`, Scope: 'local', Options: {} })), Warnings: null })
  if (path === '/system/df') return json({ Volumes: sides.map(([, { volume }]) => ({ Name: volume, UsageData: { Size: 7, RefCount: 0 } })), BuildCache: [{ Description: 'RUN hidden' }], LayersSize: 1 })
  if (path.startsWith('/distribution/')) return json({ Descriptor: { digest: mine.image }, Platforms: [] })
  if (path === '/images/json') return json(sides.map(([, { image, reference }]) => ({ Id: image, RepoTags: [reference], Labels: {}, Created: 1, Size: 1 })))
  if (/^\/images\/.*\/history$/.test(path)) return json([{ Id: mine.image, Tags: [mine.reference, theirs.reference] }, { Id: theirs.image, Tags: [theirs.reference, untaggedReference(foreign, theirs.image)] }])
  const side = sides.find(([, things]) => Object.values(things).some((id) => path.split('/').includes(id) || id.includes('/') && path.includes(id))) ?? sides[0]
  if (/^\/images\/.*\/json$/.test(path)) return path.includes('moorage.invalid') || /sha256:[0-9a-f]{64}/.test(path) ? json(imageFacts(side[1].image)) : json({ message: 'No such image' }, 404)
  if (/^\/containers\/.*\/json$/.test(path)) return json(inspected(side[0], side[1], side[2]))
  if (/^\/networks\/./.test(path)) return json({ Name: `${side[0]}.${side[2]}net`, Id: side[1].network, Labels: {}, Options: {}, IPAM: { Config: [{ Gateway: '10.0.0.1' }] }, Containers: { [side[1].container]: { Name: `${side[0]}.${side[2]}db` } } })
  if (/^\/volumes\/./.test(path)) return json({ Name: side[1].volume, Labels: {}, Mountpoint: `/srv/hidden-root/volumes/${side[1].volume}/_data` })
  if (/^\/exec\/./.test(path)) return json({ ID: side[1].exec, ContainerID: side[1].container })
  return json({})
}

function summary(ns: string, id: string, prefix: string) {
  return { Id: id, Names: [`/${ns}.${prefix}db`], Image: `moorage.invalid/${ns}/docker.io/library/${prefix}app:1`, ImageID: ns === own ? mine.image : theirs.image, State: 'exited', Status: 'Exited (0)', Created: 1,
    Labels: { 'io.moorage.namespace': ns }, Ports: [], HostConfig: { NetworkMode: `${ns}.${prefix}net` }, Mounts: [{ Type: 'volume', Name: `${ns}.${prefix}data`, Source: '', Destination: '/x' }], NetworkSettings: { Networks: { [`${ns}.${prefix}net`]: { NetworkID: id } } } }
}

function inspected(ns: string, things: Things, prefix: string) {
  return { ...summary(ns, things.container, prefix), Name: `/${ns}.${prefix}db`, Config: { Image: things.reference, Labels: { 'io.moorage.namespace': ns } }, HostConfig: { NetworkMode: `${ns}.${prefix}net`, CgroupParent: '/moorage/x', Binds: [] }, State: { Status: 'exited' },
    LogPath: `/srv/hidden-root/containers/${things.container}/x.log`, ResolvConfPath: '', HostnamePath: '', HostsPath: '', GraphDriver: { Data: { UpperDir: '/srv/hidden-root/overlay2/x' } } }
}

function fakeConnection(asked: EngineRequest[], method: string, headers: Record<string, string>, body: Uint8Array): Connection {
  const pass = async (request: EngineRequest) => {
    asked.push(request)
    return new Response('raw')
  }
  return {
    method, signal: new AbortController().signal, upgraded: false, rank: 1,
    header: (name) => headers[name], headers: (name) => (headers[name] === undefined ? [] : [headers[name]]),
    body: async () => body, firstValue: async () => body,
    upload: () => (async function* () { yield body })(),
    relay: (_host, request) => pass(request), hijack: (_host, request) => pass(request),
    serve: () => Promise.reject(new Refusal(503, 'no such service in this town')), outlive: () => undefined,
  }
}

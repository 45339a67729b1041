import { jsonBody } from '../lib/body.ts'
import { endpoint, type Call, type Endpoint } from '../lib/endpoint.ts'
import { at } from '../lib/engine-path.ts'
import { permitRegistry } from '../lib/policy.ts'
import { texts } from '../lib/query.ts'
import { authConfig, type AuthConfig } from '../lib/schemas/auth.ts'
import { ownInfo, type Counts } from '../lib/system/info.ts'
import { volumeUsage, wantedKinds } from '../lib/system/usage.ts'
import { ownContainers } from './container-list.ts'
import { compareVersions } from '../lib/go.ts'
import { list as listImages } from './image-list.ts'

/** Headers of `_ping` beyond those of every answer (engine-api.md D.5). */
const pingHeaders = {
  'Builder-Version': '2', Swarm: 'inactive', 'Cache-Control': 'no-cache, no-store, must-revalidate', Pragma: 'no-cache',
  'Content-Type': 'text/plain; charset=utf-8',
}

/** Endpoints on the engine itself (Engine API, tag System; engine-api.md A.1). */
export const system: readonly Endpoint[] = [
  endpoint({ name: 'SystemPing', route: 'GET /_ping', answer: () => ({ status: 200, body: 'OK', headers: pingHeaders }) }),
  endpoint({ name: 'SystemPingHead', route: 'HEAD /_ping', answer: () => ({ status: 200, headers: { ...pingHeaders, 'Content-Length': '0' } }) }),
  endpoint({
    name: 'SystemVersion', route: 'GET /version',
    answer({ host }: Call) {
      const { version, apiVersion, minApiVersion } = host.facts()
      return { status: 200, body: { ...version, ApiVersion: apiVersion, MinAPIVersion: minApiVersion } }
    },
  }),
  endpoint({
    name: 'SystemInfo', route: 'GET /info',
    answer: async (call) => ({ status: 200, body: ownInfo(call, await counts(call)) }),
  }),
  endpoint({
    name: 'SystemDataUsage', route: 'GET /system/df', query: { type: texts },
    answer: async (call) => ({ status: 200, body: await dataUsage(call as Call, wantedKinds(call.query.type)) }),
  }),
  endpoint({
    name: 'SystemAuth', route: 'POST /auth', body: jsonBody(() => authConfig),
    plan({ body, policy }: Call<unknown, AuthConfig>) {
      const registry = registryOf(body.serveraddress ?? '')
      permitRegistry(policy, registry, {
        field: 'serveraddress', why: `the registry ${registry} is not on the policy's list and the engine would dial it`, instead: 'log in to a registry on the list',
      })
      return { path: at`/auth`, body }
    },
  }),
]

/** The registry host in the forms clients send: `https://index.docker.io/v1/`, `https://host:5000`, `host:5000`, or nothing for Docker Hub. */
function registryOf(address: string): string {
  const host = address.replace(/^https?:\/\//, '').split('/', 1)[0]!
  return ['', 'index.docker.io', 'registry-1.docker.io'].includes(host) ? 'docker.io' : host
}

/** How many own containers are in which state; containers that were never started count as stopped. */
async function counts(call: Call): Promise<Counts> {
  const containers = await ownContainers(call, { all: true, size: false })
  const inState = (...states: string[]) => containers.filter((one) => states.includes(one.State ?? '')).length
  const images = new Set([...(await call.store.claims(call.ns, 'image')).map((claim) => claim.id), ...call.host.shared.values()])
  const [running, paused] = [inState('running', 'restarting'), inState('paused')]
  return { running, paused, stopped: containers.length - running - paused, images: images.size }
}

/** What the namespace occupies. The build cache belongs to nobody in particular and is not counted (engine-api.md A.1). */
async function dataUsage(call: Call, wanted: ReadonlySet<string>) {
  const images: any[] = wanted.has('image') ? await listImages({ ...call, query: { all: false, filters: undefined, filter: undefined } }, true) : []
  const older = compareVersions(call.host.facts().apiVersion, '1.44') < 0
  // From API 1.43 on the engine writes no digests as null here, unlike in its list.
  const withoutDigests = compareVersions(call.version, '1.43') >= 0 ? null : []
  return {
    LayersSize: images.reduce((sum, image) => sum + image.Size, 0),
    Images: wanted.has('image') ? images.map((one) => one.RepoDigests?.length === 0 ? { ...one, RepoDigests: withoutDigests } : one) : null,
    Containers: wanted.has('container') ? await ownContainers(call, { all: true, size: true }) : null,
    Volumes: wanted.has('volume') ? await volumeUsage(call) : null,
    // With every cache empty the engine's older answers differ in this.
    ...(older ? { BuildCache: null, BuilderSize: 0 } : { BuildCache: wanted.has('build-cache') ? [] : null }),
  }
}

import * as v from 'valibot'
import { forbidden, type Forbidden, type Refusal } from './refusal.ts'
import { storedRegistry } from './names.ts'
import { isListed, isNowhere, isRegistryHost } from './registries.ts'

/**
 * The limits and switches of a class of namespaces.
 *
 * Each setting once: its type, its default and why one would change it. Counts are objects at one time;
 * memory is in bytes, cpus in (fractional) cores, times in seconds.
 */

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const seconds = v.pipe(v.number(), v.minValue(1))

/** Capabilities a policy may add to the engine's default set; every other one reaches beyond the container's own namespaces. */
export const optionalCapabilities = ['SYS_PTRACE', 'IPC_LOCK', 'SYS_NICE', 'NET_ADMIN'] as const

const memory = v.pipe(v.number(), v.integer(), v.minValue(6 * 1024 * 1024), v.description('Bytes; swap comes to as much again. Absent: the host\'s memory.'))
const cpus = v.pipe(v.number(), v.minValue(0.01), v.description('Cores. Absent: the host\'s cores.'))
const pids = v.pipe(v.number(), v.integer(), v.minValue(1), v.description('Processes and threads.'))

const limitsSchema = v.strictObject({
  memory: v.optional(memory),
  cpus: v.optional(cpus),
  pids: v.optional(pids, 4096),
  build: v.optional(v.pipe(v.strictObject({ memory: v.optional(memory), cpus: v.optional(cpus), pids: v.optional(pids) }), v.description(
    'What the builds of a trust domain get together on a host, when they share a cache and with it a control group (`build.cache: domain`); with '
    + '`namespace` builds are in the namespace\'s own. What is not said here is as above.',
  )), {}),
  shm: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.description('Bytes of `/dev/shm` and of each tmpfs a container may ask for.')), 1024 ** 3),
  containers: v.optional(v.pipe(count, v.description('Containers at one time, running or not.')), 200),
  networks: v.optional(v.pipe(count, v.description('Networks at one time.')), 50),
  volumes: v.optional(v.pipe(count, v.description('Volumes at one time.')), 200),
  images: v.optional(v.pipe(count, v.description('Images visible at one time, shared ones not counted.')), 500),
  imageBytes: v.optional(v.pipe(count, v.description('Bytes of all these images, each as large as `docker images` shows it, layers that it shares included. Absent: the host\'s disk.'))),
  builds: v.optional(v.pipe(count, v.description('Builds under way at one time, in each gateway: `docker buildx bake` begins all its targets at once.')), 64),
  ports: v.optional(v.pipe(count, v.description('Published ports of all containers, running or not.')), 100),
  connections: v.optional(v.pipe(count, v.minValue(1), v.description('Open connections of its clients to one gateway, streams and idle ones.')), 1000),
})

export const policySchema = v.strictObject({
  mode: v.optional(v.pipe(v.picklist(['enforce', 'observe']), v.description(
    '`observe`: what this policy would refuse and another could allow is done and reported, for finding a policy that fits (`moorage policy suggest`). '
    + 'What no policy allows, and ownership, are as in `enforce`.',
  )), 'enforce'),
  limits: v.optional(v.pipe(limitsSchema, v.description(
    'Memory, cores and processes are of the namespace, all its containers together, where the host has control groups for that; and of each container, '
    + 'which gets that much when it asks for none and may not ask for more. The rest are counts of the namespace.',
  )), {}),
  lifetime: v.optional(v.pipe(seconds, v.description('Seconds a namespace lives from its opening; closing it earlier is the job\'s or its CI\'s business.')), 24 * 3600),
  idle: v.optional(v.pipe(seconds, v.description('Seconds it lives without being used, by a request or an open connection: jobs that were killed do not close theirs.')), 4 * 3600),
  capabilities: v.optional(v.pipe(v.array(v.picklist(optionalCapabilities)), v.description('Capabilities beyond the engine\'s default fourteen.')), []),
  registries: v.optional(v.pipe(v.array(v.pipe(v.string(), v.minLength(1))), v.description(
    'Registry hosts images may come from and go to: `host[:port]`, `*.suffix`, or `*` for every host. The engine dials them from its own network, so a '
    + 'farm with services worth protecting there lists its registries.',
  )), ['*']),
  build: v.optional(v.strictObject({
    cache: v.optional(v.pipe(v.picklist(['domain', 'namespace']), v.description(
      'Who shares layers of RUN steps and cache mounts: `domain` (namespaces of the same trust domain: a project\'s next job starts warm) or `namespace` '
      + '(nobody: for projects whose jobs do not trust each other).',
    )), 'domain'),
    remote: v.optional(v.pipe(v.boolean(), v.description(
      'Builds may take http, https and git sources (`ADD https://…`, remote contexts): the engine fetches them from its own network, redirects included.',
    )), false),
  }), {}),
})

export type Policy = v.InferOutput<typeof policySchema> & {
  /** Hears what is only observed while one call is judged; absent where policies are enforced. */
  readonly notice?: (refusal: Refusal) => void
}

/** Refuses, or where the policy only observes, reports what another policy would have to allow. */
export function permit({ notice }: Pick<Policy, 'notice'>, refusal: Refusal): void {
  if (notice === undefined || refusal.setting === undefined) throw refusal
  notice(refusal)
}

/** The policy of namespaces opened without naming one. */
export const defaultPolicy: Policy = v.parse(policySchema, {})

/** Refuses a registry that the policy does not list, and what is none. `refusal` says so in the words of the caller. */
export function permitRegistry(policy: Policy, registry: string, refusal: Forbidden): void {
  if (!isRegistryHost(registry)) throw forbidden({ field: refusal.field, why: `${JSON.stringify(registry.slice(0, 200))} is not the plain address of a registry`, instead: 'name it as host or host:port' })
  if (allowsRegistry(policy, registry)) return
  permit(policy, forbidden(refusal, isNone(registry) ? undefined : { path: 'registries', value: registry }))
}

/** The words for a registry that is not on the list. `as`: what it is wanted as; `more`: another remedy. */
export function unlisted({ registries }: Pick<Policy, 'registries'>, registry: string, { as = '', more = '' } = {}): Forbidden {
  return { field: `the registry ${registry}${as}`, why: 'the policy does not list it', instead: `use one of ${registries.join(', ') || 'none'}${more}` }
}

/** May images be fetched from or sent to this registry (`docker.io`, `host:5000`)? */
export function allowsRegistry({ registries }: Pick<Policy, 'registries'>, registry: string): boolean {
  return !isNone(registry) && isListed(registries, registry)
}

/** May no policy allow it? Under the gateway's own name engines keep what is somebody's. */
function isNone(registry: string): boolean {
  return isNowhere(registry) || registry === storedRegistry
}

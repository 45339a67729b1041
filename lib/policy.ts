import * as v from 'valibot'
import { forbidden, type Forbidden, type Refusal } from './refusal.ts'

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

const memory = v.pipe(v.number(), v.integer(), v.minValue(6 * 1024 * 1024))
const cpus = v.pipe(v.number(), v.minValue(0.01))
const pids = v.pipe(v.number(), v.integer(), v.minValue(1))

/**
 * Memory, cpus and pids are of the namespace, all its containers together, where the host has control groups for that; and of each
 * container, which gets that much when it asks for none and may not ask for more.
 */
export const limitsSchema = v.strictObject({
  /** Bytes; swap comes to as much again. Absent: the host's memory. */
  memory: v.optional(memory),
  /** Cores. Absent: the host's cores. */
  cpus: v.optional(cpus),
  /** Processes and threads. */
  pids: v.optional(pids, 4096),
  /**
   * What the builds of a trust domain get together on a host, when they share a cache and with it a control group (`build.cache: domain`); with
   * `namespace` builds are in the namespace's own. What is not said here is as above.
   */
  build: v.optional(v.strictObject({ memory: v.optional(memory), cpus: v.optional(cpus), pids: v.optional(pids) }), {}),
  /** Bytes of `/dev/shm` and of each tmpfs a container may ask for. */
  shm: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 1024 ** 3),
  containers: v.optional(count, 200),
  networks: v.optional(count, 50),
  volumes: v.optional(count, 200),
  /** Images visible at one time, shared ones not counted. */
  images: v.optional(count, 500),
  /** Bytes of all these images, each as large as `docker images` shows it, layers that it shares included. Absent: the host's disk. */
  imageBytes: v.optional(count),
  /** Published ports of all containers, running or not. */
  ports: v.optional(count, 100),
})

export const policySchema = v.strictObject({
  /**
   * `observe`: what this policy would refuse and another could allow is done and reported, for finding a policy that fits (`moorage policy suggest`).
   * What no policy allows, ownership and the registries and sources of builds are as in `enforce`.
   */
  mode: v.optional(v.picklist(['enforce', 'observe']), 'enforce'),
  limits: v.optional(limitsSchema, {}),
  /** Seconds a namespace lives from its opening; closing it earlier is the job's or its CI's business. */
  lifetime: v.optional(seconds, 24 * 3600),
  /** Seconds it lives without being used, by a request or an open connection: jobs that were killed do not close theirs. */
  idle: v.optional(seconds, 4 * 3600),
  /** Capabilities beyond the engine's default fourteen. */
  capabilities: v.optional(v.array(v.picklist(optionalCapabilities)), []),
  /**
   * Registry hosts images may come from and go to: `host[:port]`, `*.suffix`, or `*` for every host.
   * The engine dials them from its own network, so a farm with services worth protecting there lists its registries.
   */
  registries: v.optional(v.array(v.pipe(v.string(), v.minLength(1))), ['*']),
  build: v.optional(v.strictObject({
    /**
     * Who shares layers of RUN steps and cache mounts: `domain` (namespaces of the same trust domain: a project's next job starts warm) or
     * `namespace` (nobody: for projects whose jobs do not trust each other).
     */
    cache: v.optional(v.picklist(['domain', 'namespace']), 'domain'),
    /** Builds may take http, https and git sources (`ADD https://…`, remote contexts): the engine fetches them from its own network, redirects included. */
    remote: v.optional(v.boolean(), false),
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

/** Refuses a registry that the policy does not list. `refusal` says so in the words of the caller. */
export function permitRegistry(policy: Policy, registry: string, refusal: Forbidden): void {
  if (allowsRegistry(policy, registry)) return
  permit(policy, forbidden(refusal, holdsCredentials(registry) ? undefined : { path: 'registries', value: registry }))
}

function holdsCredentials(registry: string): boolean {
  return isNowhere(registry.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1').toLowerCase())
}

/** May images be fetched from or sent to this registry (`docker.io`, `host:5000`)? Link-local addresses never: they hold the cloud's credentials. */
export function allowsRegistry(policy: Policy, registry: string): boolean {
  if (holdsCredentials(registry)) return false
  return policy.registries.some((entry) =>
    entry === '*' || entry === registry || (entry.startsWith('*.') && registry.endsWith(entry.slice(1))))
}

/** Link-local addresses, and spellings of addresses that resolvers read in ways of their own: IPv4 inside IPv6, single numbers, other bases. */
function isNowhere(host: string): boolean {
  if (host.includes(':')) return /^fe[89ab]|\.|^(0*:)*:?(ffff:)?[0-9a-f]{1,4}:[0-9a-f]{1,4}$|^64:ff9b:/.test(host) && host !== '::1'
  if (/^169\.254\./.test(host)) return true
  const isNumber = /^(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+))*$/.test(host)
  return isNumber && !/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(host)
}

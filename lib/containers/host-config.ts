import type { Call } from '../endpoint.ts'
import { at } from '../engine-path.ts'
import { ensureBridge, ensureVolume, owned } from '../ensure.ts'
import { socketMount } from '../job-sockets.ts'
import { stringify } from '../json.ts'
import { bridgeName, storedName } from '../names.ts'
import { Refusal } from '../refusal.ts'
import { forcedResources } from '../schemas/defaults.ts'
import { parseBind, parseVolumesFrom } from '../schemas/binds.ts'
import { parseExtraHost } from '../schemas/addresses.ts'
import type { HostConfig } from '../schemas/host-config.ts'
import { engineBindings, type WantedPorts } from '../ports.ts'
import { parseIpcMode, parseNetworkMode, parsePidMode } from '../schemas/modes.ts'
import type { Mount } from '../schemas/mounts.ts'

/**
 * A host config for the engine: limits filled in, references replaced by ids and stored names, named volumes made
 * (engine-api.md B.3). `wanted` are the ports to publish.
 */
export async function storedHostConfig(call: Call, wish: HostConfig, wanted: WantedPorts): Promise<HostConfig & { CgroupParent?: string }> {
  const limited = forcedResources(wish, call.policy)
  const { Links: _links, PublishAllPorts: _all, ...rest } = limited
  return {
    ...rest,
    // On cgroup v1 engines the default would show the host's control groups.
    CgroupnsMode: 'private',
    CgroupParent: await call.host.groups.containers(call.namespace, call.policy),
    ...await storedMounts(call, rest.Binds, rest.Mounts),
    ...(rest.VolumesFrom && { VolumesFrom: await inOrder(rest.VolumesFrom, (spec) => storedVolumesFrom(call, spec)) }),
    ...(rest.PidMode && { PidMode: await storedMode(call, parsePidMode(rest.PidMode), rest.PidMode) }),
    ...(rest.IpcMode && { IpcMode: await storedMode(call, parseIpcMode(rest.IpcMode), rest.IpcMode) }),
    ...(rest.ExtraHosts && { ExtraHosts: await inOrder(rest.ExtraHosts, (entry) => storedExtraHost(call, entry)) }),
    PortBindings: engineBindings(wanted, call.host.publishOn),
  }
}

async function inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await work(item))
  return results
}

/** Sockets become mounts whatever they were: a bind whose source is missing would be made, as a directory. */
async function storedMounts(call: Call, binds: string[] | undefined, mounts: Mount[] | undefined): Promise<Pick<HostConfig, 'Binds' | 'Mounts'>> {
  const isSocket = (text: string) => parseBind(text).kind === 'socket'
  const sockets = await inOrder((binds ?? []).map((text) => parseBind(text)).filter((bind) => bind.kind === 'socket'),
    ({ source, target }) => socketMount(call, source, target, 'HostConfig.Binds'))
  const stored = [...mounts ? await inOrder(mounts, (mount) => storedMount(call, mount)) : [], ...sockets]
  return {
    ...(binds && { Binds: await inOrder(binds.filter((text) => !isSocket(text)), (text) => storedBind(call, text)) }),
    ...(stored.length > 0 && { Mounts: stored }),
  }
}

async function storedBind(call: Call, text: string): Promise<string> {
  const bind = parseBind(text)
  if (bind.kind !== 'volume') return bind.target
  const volume = await ensureVolume(call, bind.name)
  return [volume.id, bind.target, ...(bind.mode === '' ? [] : [bind.mode])].join(':')
}

async function storedMount(call: Call, mount: Mount): Promise<Mount> {
  if (mount.Type === 'image') return { ...mount, Source: (await call.resolve.image(mount.Source!)).onEngine }
  if (mount.Type === 'bind') return socketMount(call, mount.Source ?? '', mount.Target ?? '', 'HostConfig.Mounts')
  if (mount.Type !== 'volume') return mount
  const labels = mount.VolumeOptions?.Labels
  const options = { ...mount.VolumeOptions, Labels: owned(call.ns, labels) }
  if (!mount.Source) return { ...mount, VolumeOptions: options }
  return { ...mount, Source: (await ensureVolume(call, mount.Source, { Labels: labels })).id, VolumeOptions: options }
}

async function storedVolumesFrom(call: Call, spec: string): Promise<string> {
  const { ref, mode } = parseVolumesFrom(spec)
  return `${await ownContainer(call, ref)}:${mode}`
}

async function storedMode(call: Call, mode: { kind: string; ref?: string }, text: string): Promise<string> {
  return mode.kind === 'container' ? `container:${await ownContainer(call, mode.ref!)}` : text
}

/** Unknown containers in these fields are the engine's 400, not its 404 (engine-api.md A.0). */
async function ownContainer(call: Call, term: string): Promise<string> {
  try {
    return (await call.resolve.container(term)).id
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) throw new Refusal(400, error.message)
    throw error
  }
}

/** `host-gateway` is the address of the namespace's own bridge: on a private engine it would be that of docker0. */
async function storedExtraHost(call: Call, entry: string): Promise<string> {
  const { host, ip, gateway } = parseExtraHost(entry)
  if (!gateway) return `${host}:${ip}`
  const bridge = await ensureBridge(call)
  const network = await call.ask({ method: 'GET', path: at`/networks/${bridge.id}` })
  const address = network?.IPAM?.Config?.[0]?.Gateway?.split('/')[0]
  if (address === undefined) throw new Refusal(503, `the network ${bridgeName} has no gateway address yet; try again`)
  return `${host}:${address}`
}

/** The parts of a host config that the engine got differently than the job asked, to be shown as asked. */
export function echoOf(wish: HostConfig, sent: HostConfig, ns: string): Record<string, unknown> {
  const keys = ['PidsLimit', 'Memory', 'MemorySwap', 'NanoCpus', 'CpuQuota', 'LogConfig', 'PortBindings', 'PublishAllPorts', 'Links', 'Ulimits', 'Tmpfs',
    'Binds', 'Mounts', 'ExtraHosts', 'VolumesFrom'] as const
  const changed = keys.filter((key) => stringify(wish[key]) !== stringify(sent[key])?.replaceAll(storedName(ns, ''), ''))
  return Object.fromEntries(changed.map((key) => [key, shownAs(key, wish)]))
}

/** No limit of processes is null however it was written. */
function shownAs(key: keyof typeof unset, wish: HostConfig): unknown {
  if (key === 'LogConfig') return shownLogConfig(wish)
  // On networks of one's own they are the endpoint's alone.
  if (key === 'Links' && parseNetworkMode(wish.NetworkMode ?? '').kind !== 'default') return unset.Links
  if (key === 'PidsLimit' && (wish.PidsLimit ?? 0) <= 0) return unset.PidsLimit
  return wish[key] ?? unset[key]
}

/** The engine fills in its default driver. */
function shownLogConfig({ LogConfig: asked }: HostConfig): HostConfig['LogConfig'] {
  return { Type: asked?.Type || unset.LogConfig.Type, Config: asked?.Config ?? unset.LogConfig.Config }
}

/** What the engine shows of fields nobody set. */
const unset = {
  PidsLimit: null, Memory: 0, MemorySwap: 0, NanoCpus: 0, CpuQuota: 0, LogConfig: { Type: 'json-file', Config: {} }, PortBindings: {},
  PublishAllPorts: false, Links: null, Ulimits: null, Tmpfs: null, Binds: null, Mounts: null, ExtraHosts: null, VolumesFrom: null,
} as const

import { Refusal } from '../refusal.ts'
import { filterBool, matchesExactly, matchesLabels, regexpTest, type Labels } from './match.ts'
import { invalidFilter, type Filters } from './parse.ts'
import { inRanges, portRanges } from './ports.ts'

/** Keys of `GET /containers/json` (moby daemon/list.go). `isolation` is accepted and means nothing on Linux. */
export const containerFilterKeys = [
  'ancestor', 'before', 'exited', 'expose', 'health', 'id', 'is-task', 'isolation', 'label', 'name', 'network', 'publish', 'since', 'status', 'volume',
] as const

/** An entry of `GET /containers/json`, in job names. */
export interface ContainerSummary {
  Id: string
  Names?: readonly string[] | null
  ImageID?: string
  Labels?: Labels
  State?: string
  /** The text of `docker ps`; exit code and health are read from it. */
  Status?: string
  /** From API 1.52 on; before, `Status` tells. */
  Health?: { Status?: string } | null
  Ports?: readonly { PrivatePort: number; PublicPort?: number; Type: string }[] | null
  NetworkSettings?: { Networks?: Readonly<Record<string, { NetworkID?: string } | null>> | null } | null
  Mounts?: readonly { Name?: string; Source?: string; Destination?: string }[] | null
}

/** What the values of some keys stand for in the namespace; looked up by the caller, who also answers 404 for unknown `before` and `since`. */
export interface ContainerContext {
  /** Place of each container id in the engine's order, newest first, for `before` and `since`. */
  order?: ReadonlyMap<string, number>
  /** Full ids of the containers that `before` and `since` name. */
  before?: string
  since?: string
  /** Ids of the images that `ancestor` names and of their descendants; unknown ancestors add none. */
  ancestors?: ReadonlySet<string>
}

const states = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']
const healths = ['none', 'starting', 'healthy', 'unhealthy']

/**
 * A test for the containers of one list, as the engine filters them. `all` and `limit` are the caller's: see `isRunning` and `impliesAll`;
 * the limit counts what passed. Throws `Refusal` 400 with the engine's texts for values that no container could match.
 */
export function containerMatcher(filters: Filters, context: ContainerContext = {}): (container: ContainerSummary) => boolean {
  checkPicks(filters, 'status', 'state', states)
  checkPicks(filters, 'health', 'health', healths)
  const tests = [
    nameAndId(filters), exited(filters), ports(filters), position(context),
    filters.has('is-task') && filterBool(filters, 'is-task', false) ? () => false : () => true,
    (c: ContainerSummary) => matchesLabels(filters, 'label', c.Labels),
    (c: ContainerSummary) => matchesExactly(filters, 'status', c.State ?? ''),
    (c: ContainerSummary) => matchesExactly(filters, 'health', health(c)),
    (c: ContainerSummary) => !filters.has('volume') || filters.get('volume')!.some((value) => mounts(c, value)),
    (c: ContainerSummary) => !filters.has('network') || filters.get('network')!.some((value) => attached(c, value)),
    (c: ContainerSummary) => !filters.has('ancestor') || context.ancestors?.has(c.ImageID ?? '') === true,
  ]
  return (container) => tests.every((test) => test(container))
}

/** Is it shown without `all` and `limit`? */
export function isRunning(container: ContainerSummary): boolean {
  return ['running', 'paused', 'restarting'].includes(container.State ?? '')
}

/** Does the filter show stopped containers without `all`? */
export function impliesAll(filters: Filters): boolean {
  return (filters.get('status') ?? []).length > 0
}

function checkPicks(filters: Filters, key: string, word: string, allowed: readonly string[]): void {
  const wrong = filters.get(key)?.find((value) => !allowed.includes(value))
  if (wrong === undefined) return
  throw new Refusal(400, `invalid filter '${key}=${wrong}': invalid value for ${word} (${wrong}): must be one of ${allowed.join(', ')}`, `filters.${key}`)
}

/** Names are tried with and without their slash; names of legacy links (`/other/alias`) do not count. Ids match by their beginning. */
function nameAndId(filters: Filters): (container: ContainerSummary) => boolean {
  const matchesName = regexpTest(filters, 'name')
  const ids = filters.get('id') ?? []
  return ({ Id, Names }) => {
    const name = Names?.find((candidate) => candidate.lastIndexOf('/') <= 0) ?? ''
    return (matchesName(name) || matchesName(name.replace(/^\//, ''))) && (ids.length === 0 || ids.some((id) => id !== '' && Id.startsWith(id)))
  }
}

function exited(filters: Filters): (container: ContainerSummary) => boolean {
  const values = filters.get('exited') ?? []
  const wrong = values.find((value) => !/^[+-]?[0-9]{1,18}$/.test(value))
  if (wrong !== undefined) {
    throw new Refusal(400, `${invalidFilter(`exited=${wrong}`).message}: strconv.Atoi: parsing ${JSON.stringify(wrong)}: invalid syntax`, 'filters.exited')
  }
  return ({ Status }) => {
    const code = /^Exited \((-?\d+)\)/.exec(Status ?? '')?.[1]
    return values.length === 0 || (code !== undefined && values.some((value) => Number(value) === Number(code)))
  }
}

function health(container: ContainerSummary): string {
  if (container.Health?.Status) return container.Health.Status
  return /^Up .*\((?:health: )?(starting|healthy|unhealthy)\)$/.exec(container.Status ?? '')?.[1] ?? 'none'
}

function ports(filters: Filters): (container: ContainerSummary) => boolean {
  const published = portRanges(filters, 'publish')
  const exposed = portRanges(filters, 'expose')
  if (published.length + exposed.length === 0) return () => true
  return ({ Ports }) => (Ports ?? []).some((port) =>
    inRanges(published, port.PublicPort ?? 0, port.Type) || inRanges(exposed, port.PrivatePort, port.Type))
}

/** `before` shows what is older, `since` what is newer; the engine forgets a `since` that is not older than `before`. */
function position({ order, before, since }: ContainerContext): (container: ContainerSummary) => boolean {
  if (before === undefined && since === undefined) return () => true
  const first = before === undefined ? -1 : order?.get(before) ?? Number.POSITIVE_INFINITY
  const end = (since === undefined ? undefined : order?.get(since)) ?? Number.POSITIVE_INFINITY
  return ({ Id }) => {
    const at = order?.get(Id)
    return at !== undefined && at > first && (at < end || end <= first)
  }
}

function mounts({ Mounts }: ContainerSummary, value: string): boolean {
  return (Mounts ?? []).some(({ Name, Source, Destination }) => (Destination !== '' && Destination === value) || (Name || Source || '') === value)
}

function attached({ NetworkSettings }: ContainerSummary, value: string): boolean {
  const networks = NetworkSettings?.Networks ?? {}
  return Object.hasOwn(networks, value) || Object.values(networks).some((network) => network !== null && (network.NetworkID ?? '').startsWith(value))
}

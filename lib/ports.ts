import type { Host } from './engine.ts'
import { parsePort, type PortBindings } from './schemas/ports.ts'
import type { Refusal } from './refusal.ts'
import { forbidden } from './refusal.ts'

/**
 * Published ports: as the job asked, as the engine gets them, as the job is shown them.
 *
 * The engine publishes on an address that no container reaches, and on a free port; the gateway relays from a port of its own,
 * and that one is shown. What the job asked for is kept in the container's claim.
 */

/** Container port (`80/tcp`) → the bindings the job asked for. */
export type WantedPorts = Record<string, { HostIp: string; HostPort: string }[]>

/** A port the engine publishes now. */
export interface Published {
  /** `80/tcp` */
  port: string
  /** Address and port on the engine's host. */
  address: string
  hostPort: number
}

/** Where the job dials a published port. */
export interface Dialled {
  address: string
  port: number
}

/** The gateway's relays of published ports. */
export interface PortRelay {
  /**
   * Takes a gateway port for each wanted one before the engine starts the container.
   * Throws `Refusal`: the engine's 500 when another running container of the namespace has the wished port, 503 when the range is used up.
   */
  take(host: Host, container: Owner, wanted: WantedPorts): Promise<void>
  /** Brings the relays of a container in line with what its engine publishes now. */
  refresh(host: Host, ns: string, container: string): Promise<void>
  /** Where the job dials what the engine publishes at this port, for each binding; none when it is not relayed. */
  dialled(container: string, port: string, hostPort: number): Dialled[]
}

/** The container a port is of: its namespace, id and job name. */
export interface Owner {
  ns: string
  id: string
  name: string
}

/** What is to be published: the bindings asked for, and with `all` every exposed port that has none. Throws 403 for protocols that are not relayed. */
export function wantedPorts(bindings: PortBindings | undefined, all: boolean | undefined, exposed: readonly string[]): WantedPorts {
  const wanted: WantedPorts = {}
  for (const [key, asked] of Object.entries(bindings ?? {})) {
    const port = canonical(key)
    if (port.endsWith('/sctp')) throw unrelayed(key)
    const each = asked.length === 0 ? [{}] : asked
    wanted[port] = [...wanted[port] ?? [], ...each.map(({ HostIp = '', HostPort = '' }) => ({ HostIp, HostPort }))]
  }
  for (const port of all ? exposed.map(canonical) : []) if (!port.endsWith('/sctp')) wanted[port] ??= [{ HostIp: '', HostPort: '' }]
  return wanted
}

function canonical(key: string): string {
  const parsed = parsePort(key)
  return parsed === undefined ? key : `${parsed.port}/${parsed.protocol}`
}

function unrelayed(key: string): Refusal {
  return forbidden({ field: 'HostConfig.PortBindings', why: `${key} would have to be relayed to the job, and only tcp and udp are`, instead: 'publish tcp or udp, or reach the container from another one on its network' })
}

/** Bindings for the engine: a free port of `address` for each container port; none when its host has no address that the gateway reaches. */
export function engineBindings(wanted: WantedPorts, address: string | undefined): PortBindings {
  if (address === undefined) return {}
  return Object.fromEntries(Object.keys(wanted).map((port) => [port, [{ HostIp: address, HostPort: '' }]]))
}

type PortMap = Record<string, { HostIp?: string; HostPort?: string }[] | null>

/** Reads `NetworkSettings.Ports` of an inspect answer. */
export function publishedIn(ports: PortMap | null | undefined): Published[] {
  return Object.entries(ports ?? {}).flatMap(([port, bindings]) =>
    (bindings ?? []).slice(0, 1).map(({ HostIp = '', HostPort = '' }) => ({ port, address: HostIp, hostPort: Number(HostPort) })))
}

/** `NetworkSettings.Ports` with what the job dials; a port that is not relayed is shown as exposed only. */
export function shownPortMap(ports: PortMap, dialled: (port: string, hostPort: number) => Dialled[]): PortMap {
  return Object.fromEntries(Object.entries(ports).map(([port, bindings]) => {
    const shown = (bindings ?? []).flatMap(({ HostPort }) => dialled(port, Number(HostPort)))
    return [port, shown.length === 0 ? null : shown.map(({ address, port: number }) => ({ HostIp: address, HostPort: String(number) }))]
  }))
}

/** An entry of `Ports` in a list of containers. */
export interface SummaryPort {
  IP?: string
  PrivatePort: number
  PublicPort?: number
  Type: string
}

/** The same for `Ports` in a list of containers. */
export function shownSummaryPorts(ports: readonly SummaryPort[], dialled: (port: string, hostPort: number) => Dialled[]): SummaryPort[] {
  return ports.flatMap(({ PrivatePort, PublicPort, Type }) => {
    const at = PublicPort === undefined ? [] : dialled(`${PrivatePort}/${Type}`, PublicPort)
    return at.length === 0 ? [{ PrivatePort, Type }] : at.map(({ address, port }) => ({ IP: address, PrivatePort, PublicPort: port, Type }))
  })
}

/** Ports of the gateway, both ends included. */
export interface PortRange {
  first: number
  last: number
}

/** Reads `40000-49999`. Undefined when it is not a range of ports. */
export function parseRange(text: string): PortRange | undefined {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text)
  const [first, last] = [Number(match?.[1]), Number(match?.[2])]
  return match !== null && first >= 1 && first <= last && last <= 65535 ? { first, last } : undefined
}

/** The wished port when the range has it, then every other one once, from `start` on. A wish is a port, a range or nothing. */
export function* candidates({ first, last }: PortRange, wish: string, start: number): Generator<number> {
  const [from = 0, to = from] = wish === '' ? [] : wish.split('-').map(Number)
  const wished = (port: number) => port >= from && port <= to
  for (let port = Math.max(from, first); from > 0 && port <= Math.min(to, last); port++) yield port
  const size = last - first + 1
  for (let step = 0; step < size; step++) {
    const port = first + (start - first + step) % size
    if (!wished(port)) yield port
  }
}

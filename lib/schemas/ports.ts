/** Exposed and published ports (Engine API, PortSet and PortMap; api/types/network/port.go). */
import { permit, type Policy } from '../policy.ts'
import { Refusal } from '../refusal.ts'
import { list, mapOf, rewrite, setOf, struct, textLike } from '../schema.ts'
import { isAddress } from './addresses.ts'
import { aboveLimit } from './limits.ts'

export interface Port {
  port: number
  protocol: 'tcp' | 'udp' | 'sctp'
}

/** `80`, `80/tcp`, `53/UDP`. Undefined when it is not one. */
export function parsePort(text: string): Port | undefined {
  const match = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(text)
  const port = Number(match?.[1])
  if (match === null || port < 1 || port > 65535) return undefined
  return { port, protocol: (match[2]?.toLowerCase() ?? 'tcp') as Port['protocol'] }
}

function checkPort(key: string, at: string): void {
  if (parsePort(key) === undefined) throw new Refusal(400, `invalid port specification: ${JSON.stringify(key.slice(0, 100))}`, at)
}

/** `8080` or `8080-8090`. */
function isHostPort(text: string): boolean {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)
  const [start, end] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])]
  return match !== null && start <= end && end <= 65535
}

const portBinding = struct('network.PortBinding', {
  HostIp: rewrite(textLike(isAddress, (text) => `${JSON.stringify(text)} is not an IP address`)),
  HostPort: rewrite(textLike(isHostPort, (text) => `invalid port specification: ${JSON.stringify(text)}; write a port, a range (8000-8010) or nothing`)),
})

export const portBindings = mapOf(list(portBinding), checkPort)
export const exposedPorts = setOf(checkPort)

export type PortBindings = Record<string, Array<{ HostIp?: string; HostPort?: string }>>

/** Counts published ports against `limits.ports`, and answers how many they are. A port with no bindings is published once. */
export function checkPortCount(bindings: PortBindings, at: string, policy: Policy): number {
  const count = Object.values(bindings).reduce((sum, one) => sum + Math.max(1, one.length), 0)
  if (count > policy.limits.ports) permit(policy, aboveLimit(at, 'limits.ports', `${policy.limits.ports} published ports`, count))
  return count
}

/** Exposed ports count too: PublishAllPorts publishes them. */
export function checkExposedCount(ports: Record<string, unknown>, at: string, policy: Policy): void {
  const count = Object.keys(ports).length
  if (count > policy.limits.ports) permit(policy, aboveLimit(at, 'limits.ports', `${policy.limits.ports} ports of a container`, count))
}

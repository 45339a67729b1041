/** `IPAM` of networks (Engine API): every subnet becomes a route on the engine's host, so only private ones are taken. */
import { forbidden, Refusal } from '../refusal.ts'
import { allow, anything, force, list, mapOf, pass, quota, struct, text, type Type } from '../schema.ts'
import { address } from './addresses.ts'
import { overlap, parseSubnet, single, type Subnet, within } from './subnets.ts'

/** RFC 1918, and its counterpart of IPv6, RFC 4193. */
const privateSubnets = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fd00::/8'].map((text) => parseSubnet(text)!)

/** Addresses one network may take. */
const mostAddresses: Record<number, bigint> = { 32: 1n << 16n, 128: 1n << 80n }

/** Throws the engine's own 400 for what is no subnet. */
const subnet: Type<string> = {
  ...text,
  read(value, at) {
    const read = text.read(value, at)
    if (read !== '' && parseSubnet(read) === undefined) throw new Refusal(400, `invalid network config:\ninvalid subnet ${read}: invalid CIDR block notation`, at)
    return read
  },
}

/**
 * One pool. `denied` are subnets (`10.0.0.0/16`) that the operator keeps for the hosts' own networks.
 * Throws `Refusal`: 403 for subnets that are not private, denied or wider than /16 (IPv6: /48), 400 for addresses outside their subnet.
 */
function poolSchema(denied: readonly string[]) {
  const kept = denied.map(deniedSubnet)
  return struct('network.IPAMConfig', {
    Subnet: quota(subnet, (text, at) => checkSubnet(text, at, kept)),
    IPRange: pass(subnet),
    Gateway: pass(address),
    AuxiliaryAddresses: pass(mapOf(address)),
  }, { after: checkInside })
}

function deniedSubnet(text: string): Subnet {
  const parsed = parseSubnet(text)
  if (parsed === undefined) throw new TypeError(`denied subnets: ${JSON.stringify(text)} is not a subnet`)
  return parsed
}

function checkSubnet(text: string, at: string, denied: readonly Subnet[]): void {
  const asked = parseSubnet(text)
  if (asked === undefined) return
  const refuse = (why: string) => forbidden({ field: at, why: `${text} ${why}`, instead: 'leave the subnet out to get a free one, or use a smaller one in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or fd00::/8' })
  if (!privateSubnets.some((one) => within(asked, one))) throw refuse('is not a private network and would take over a route of the engine\'s host')
  if (denied.some((one) => overlap(asked, one))) throw refuse('overlaps a network that the operator keeps for the hosts')
  if (asked.last - asked.first >= (mostAddresses[asked.bits] ?? 0n)) throw refuse('takes more addresses than one network may have')
}

interface Pool {
  Subnet?: string
  IPRange?: string
  Gateway?: string
  AuxiliaryAddresses?: Record<string, string>
}

function checkInside(pool: Pool, at: string): void {
  const subnet = parseSubnet(pool.Subnet ?? '')
  const parts: Array<[string, string, Subnet | undefined]> = [
    ['IPRange', pool.IPRange ?? '', parseSubnet(pool.IPRange ?? '')],
    ['Gateway', pool.Gateway ?? '', single(pool.Gateway ?? '')],
    ...Object.values(pool.AuxiliaryAddresses ?? {}).map((one): [string, string, Subnet | undefined] => ['AuxiliaryAddresses', one, single(one)]),
  ]
  for (const [name, text, part] of parts) {
    if (text === '') continue
    const fits = part !== undefined && subnet !== undefined && within(part, subnet)
    if (!fits) throw new Refusal(400, `${at}.${name}: ${text} is not inside the subnet ${JSON.stringify(pool.Subnet ?? '')}`, `${at}.${name}`)
  }
}

export function ipamSchema(denied: readonly string[]) {
  return struct('network.IPAM', {
    Driver: allow(text, (driver, at) => {
      if (driver === '' || driver === 'default') return
      throw forbidden({ field: at, why: 'address drivers are programs of the engine\'s host', instead: 'use the driver "default"' })
    }),
    Options: force(anything, { why: 'they are read by address drivers only', instead: 'leave it out' }),
    Config: quota(list(poolSchema(denied)), (pools, at) => {
      if (pools.length > 4) throw forbidden({ field: at, why: 'a network has at most 4 subnets here', instead: 'create more networks' })
    }),
  })
}

/** Arithmetic of subnets, IPv4 and IPv6 alike (RFC 4632, RFC 4291). */
import { isAddress } from './addresses.ts'

export interface Subnet {
  /** 32 or 128. */
  bits: number
  first: bigint
  last: bigint
}

/** An address as a number, or undefined when it is none. IPv4 written inside IPv6 is not an address here: Go keeps the two apart. */
function addressNumber(text: string): { bits: number; number: bigint } | undefined {
  if (!isAddress(text)) return undefined
  if (!text.includes(':')) return { bits: 32, number: joined(text.split('.').map(BigInt), 8n) }
  if (text.includes('.')) return undefined
  const [head = '', tail] = text.split('::')
  const groups = (part: string | undefined) => (part === undefined || part === '' ? [] : part.split(':').map((group) => BigInt(`0x${group}`)))
  const [left, right] = [groups(head), groups(tail)]
  const middle = Array<bigint>(8 - left.length - right.length).fill(0n)
  return { bits: 128, number: joined([...left, ...middle, ...right], 16n) }
}

function joined(parts: bigint[], width: bigint): bigint {
  return parts.reduce((sum, part) => (sum << width) | part, 0n)
}

/** `10.1.0.0/16`, `fd00::/64`. Undefined when it is not a subnet. */
export function parseSubnet(text: string): Subnet | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text)
  const address = addressNumber(match?.[1] ?? '')
  const length = Number(match?.[2])
  if (address === undefined || length > address.bits) return undefined
  const size = 1n << BigInt(address.bits - length)
  const first = (address.number / size) * size
  return { bits: address.bits, first, last: first + size - 1n }
}

/** Is there an address in both? */
export function overlap(a: Subnet, b: Subnet): boolean {
  return a.bits === b.bits && a.first <= b.last && b.first <= a.last
}

/** Is `inner` wholly inside `outer`? */
export function within(inner: Subnet, outer: Subnet): boolean {
  return inner.bits === outer.bits && inner.first >= outer.first && inner.last <= outer.last
}

/** A subnet of one address. */
export function single(text: string): Subnet | undefined {
  const address = addressNumber(text)
  return address && { bits: address.bits, first: address.number, last: address.number }
}

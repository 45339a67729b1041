import { Refusal } from '../refusal.ts'
import type { Filters } from './parse.ts'

/** Ports of one protocol, both ends included. */
export interface PortRange {
  first: number
  last: number
  protocol: string
}

/**
 * The values of `publish` or `expose`: `80`, `80/udp`, `8000-8010/tcp` (moby daemon/list.go, portOp).
 * Throws `Refusal` 400 with the engine's sentence.
 */
export function portRanges(filters: Filters, key: 'publish' | 'expose'): PortRange[] {
  return (filters.get(key) ?? []).map((value) => {
    if (value.includes(':')) throw new Refusal(400, `filter for '${key}' should not contain ':': ${value}`, `filters.${key}`)
    const [ports = '', protocol = ''] = value.split('/')
    const [first = '', last = first] = ports.split('-')
    const fail = (reason: string) => new Refusal(400, `error while looking up for ${key} ${value}: ${reason}`, `filters.${key}`)
    if (ports === '') throw fail('empty string specified for ports')
    const range = { first: port(first, fail), last: port(last, fail), protocol: protocol || 'tcp' }
    if (range.last < range.first) throw fail(`invalid range specified for port: ${ports}`)
    return range
  })
}

function port(text: string, fail: (reason: string) => Refusal): number {
  if (!/^[0-9]+$/.test(text)) throw fail(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
  if (Number(text) > 65535) throw fail(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`)
  return Number(text)
}

export function inRanges(ranges: readonly PortRange[], port: number, protocol: string): boolean {
  return ranges.some((range) => range.protocol === protocol && range.first <= port && port <= range.last)
}

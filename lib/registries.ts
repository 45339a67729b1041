/**
 * Which hosts a policy's list of registries means, and which no list can mean. Said once, as regular expressions that JavaScript and Go read
 * alike (RE2), for what the gateway judges itself and for what engines judge in builds.
 */
import { literal } from './literal.ts'

const name = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?'

/** `host[:port]` as references have it (distribution/reference, domain). */
export const registryHost = `(?:${name}(?:\\.${name})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`

/** A name of the DNS and a port. */
const longestHost = 255 + 6

const isHostPattern = new RegExp(`^${registryHost}$`)

/**
 * Is this `host[:port]` and nothing else? Engines make URLs of what a job calls a registry: with `?`, `#` or `@` in it they dial another host
 * than the one that was judged.
 */
export function isRegistryHost(text: string): boolean {
  return text.length <= longestHost && isHostPattern.test(text)
}

/** `host[:port]` that an entry of the list means: that one, `*.suffix`, or `*` for every one. */
export function registryPattern(entry: string): string {
  if (entry === '*') return '[^/]+'
  return entry.startsWith('*.') ? `[^/]*${literal(entry.slice(1))}` : literal(entry)
}

const part = '(?:0x[0-9a-f]*|[0-9]+)'
/** No part of an address as everybody writes it: in another base, or of more than three digits. */
const odd = '(?:0x[0-9a-f]*|0[0-9]+|[1-9][0-9]{3,})'
const four = [`${odd}(?:\\.${part}){3}`, `${part}\\.${odd}(?:\\.${part}){2}`, `(?:${part}\\.){2}${odd}\\.${part}`, `(?:${part}\\.){3}${odd}`]

/** Addresses of IPv4 inside of IPv6, and link-local ones. */
const six = ['fe[89ab][^\\]]*', '[^\\]]*\\.[^\\]]*', '(?:0*:)*:?(?:ffff:)?[0-9a-f]{1,4}:[0-9a-f]{1,4}', '64:ff9b:[^\\]]*']

/**
 * Hosts with their ports that nothing is ever fetched from or sent to, upper case or lower: link-local addresses, which hold the credentials of
 * the cloud the engine's machine is in, and spellings of addresses that resolvers read in ways of their own.
 */
export const nowhere = `(?:169\\.254\\.[^/:?#]*|${part}(?:\\.${part}){0,2}|${part}(?:\\.${part}){4,}|${four.join('|')}|\\[(?:${six.join('|')})\\])\\.?(?::[0-9]*)?`

const isNowherePattern = new RegExp(`^${nowhere}$`, 'i')

/** May nothing be fetched from there, whatever a policy lists? `registry`: `host[:port]`. */
export function isNowhere(registry: string): boolean {
  return isNowherePattern.test(registry)
}

/** Does the list mean this registry (`docker.io`, `host:5000`)? */
export function isListed(registries: readonly string[], registry: string): boolean {
  return registries.some((entry) => new RegExp(`^${registryPattern(entry)}$`).test(registry))
}

/** Addresses and what is written about hosts: IP and MAC addresses, ExtraHosts, Links. */
import * as v from 'valibot'
import { Refusal } from '../refusal.ts'
import { textLike } from '../schema.ts'

/** An IPv4 or IPv6 address as Go's netip.ParseAddr reads them, without zone. */
export function isAddress(text: string): boolean {
  return v.safeParse(v.pipe(v.string(), v.ip()), text).success
}

export const address = textLike(isAddress, (text) => `${JSON.stringify(text)} is not an IP address`)

/** Six or eight bytes in hexadecimal, separated by colons or hyphens, or in groups of two bytes by dots (Go's net.ParseMAC). */
export const macAddress = textLike(
  (text) => /^[\da-f]{2}(?:(:[\da-f]{2}){5}|(-[\da-f]{2}){5}|(:[\da-f]{2}){7}|(-[\da-f]{2}){7})$|^[\da-f]{4}(\.[\da-f]{4}){2,3}$/i.test(text),
  (text) => `invalid MAC address: ${text}`)

export interface ExtraHost {
  host: string
  ip: string
  /** `host-gateway`: the pipeline puts the address of the namespace's own gateway there. */
  gateway: boolean
}

/** One entry of `ExtraHosts`, `host:ip`. Throws `Refusal` 400 with the engine's texts (daemon/pkg/opts/hosts.go). */
export function parseExtraHost(entry: string, at = 'HostConfig.ExtraHosts'): ExtraHost {
  const colon = entry.indexOf(':')
  const [host, ip] = [entry.slice(0, colon), entry.slice(colon + 1)]
  if (colon < 1 || /\s/.test(host)) throw new Refusal(400, `bad format for add-host: ${JSON.stringify(entry)}`, at)
  const gateway = ip === 'host-gateway'
  if (!gateway && !isAddress(ip)) throw new Refusal(400, `invalid IP address in add-host: ${JSON.stringify(ip)}`, at)
  return { host, ip, gateway }
}

/** One entry of `Links`, `container[:alias]` or the engine's own `/container:/other/alias`. Throws `Refusal` 400 with the engine's texts (daemon/pkg/opts). */
export function parseLink(link: string, at = 'HostConfig.Links'): { ref: string; alias: string } {
  if (link === '') throw new Refusal(400, 'empty string specified for links', at)
  const [ref = '', alias, ...rest] = link.split(':')
  if (rest.length > 0) throw new Refusal(400, `bad format for links: ${link}`, at)
  if (alias === undefined) return { ref, alias: ref }
  return ref.startsWith('/') ? { ref: ref.slice(1), alias: alias.slice(alias.lastIndexOf('/') + 1) } : { ref, alias }
}

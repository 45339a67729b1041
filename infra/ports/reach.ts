import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, isIP } from 'node:net'

/** The gateway's address that relays listen on. Throws when it is none of this machine. */
export async function relayAddress(given: string | undefined, listenHost: string): Promise<string> {
  const address = given ?? (await lookup(listenHost)).address
  const probe = createServer().listen(0, address)
  try {
    await once(probe, 'listening')
  } catch (cause) {
    throw new Error(`published ports cannot be relayed at ${address} (${(cause as Error).message}); give an address of this machine as --port-address`, { cause })
  }
  probe.close()
  return address
}

/**
 * The address of an engine's host that published ports listen on.
 *
 * `loopback`: no container reaches it, and the gateway does when it is on the host's machine and in its network; an engine at another
 * address has none that is reached. `address`: the one of the engine's URL, which has to be an IP address; or an IP address by itself.
 * Every container on that host reaches these too unless the host's firewall says otherwise. `none`: nothing is published, for engines
 * behind forwarded sockets, whose loopback is another than the gateway's.
 */
export function publishAddress(url: string, reach: string): string | undefined {
  if (reach === 'none') return undefined
  if (isIP(reach) > 0) return reach
  if (url.startsWith('unix://')) return '127.0.0.1'
  const host = new URL(url.replace(/^tcp:/, 'http:')).hostname.replace(/^\[(.*)\]$/, '$1')
  if (host === 'localhost' || host.startsWith('127.') || host === '::1') return '127.0.0.1'
  return reach === 'address' && isIP(host) > 0 ? host : undefined
}

import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Config } from '../config.ts'

/** Names and addresses that clients reach the gateway by, beside this machine's own. */
export function serverNames({ listen, names }: Pick<Config, 'listen' | 'names'>): string[] {
  const wildcard = ['0.0.0.0', '::', ''].includes(listen.host)
  return [...new Set([...(wildcard ? [] : [listen.host]), ...names])]
}

/** Listens and answers the URL a client on this machine uses. Rejects when the address cannot be had. */
export async function listening(server: Server, listen: Config['listen']): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const name = listen.host === '0.0.0.0' ? '127.0.0.1' : listen.host === '::' ? '[::1]' : listen.host.includes(':') ? `[${listen.host}]` : listen.host
  return `https://${name}:${port}`
}

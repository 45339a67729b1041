/** Where a relay sends what it gets, asked anew for each connection: engines publish at another port after each start. */
export type Target = () => { host: string; port: number } | undefined

/** May this source address use the relay? */
export type Admit = (address: string) => boolean | Promise<boolean>

/** A relay that listens. */
export interface Relay {
  readonly port: number
  /** Stops listening and cuts what runs. */
  close(): void
}

export interface RelayOptions {
  /** Address to listen on. */
  address: string
  /** 0 takes a free one. */
  port: number
  target: Target
  admit: Admit
}

/** An address as it is compared: loopback is one place, and IPv4 is IPv4 however a dual-stack socket writes it. */
export function plainAddress(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  return plain === '::1' || plain.startsWith('127.') ? 'loopback' : plain
}

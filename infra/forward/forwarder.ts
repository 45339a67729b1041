import { forwardsOf, type Forward } from '../../lib/forwards.ts'
import type { Relay } from '../ports/target.ts'
import { relayTcp } from '../ports/tcp.ts'
import { relayUdp } from '../ports/udp.ts'
import type { DockerApi } from './docker-api.ts'

/** What is told to people. */
export interface ForwardTalk {
  opened(forward: Forward, local: number): void
  closed(forward: Forward, local: number): void
  /** None of the wished ports is free on this machine. */
  inUse(forward: Forward): void
}

/** Makes published ports of a namespace appear on this machine. */
export interface Forwarder {
  /** Brings everything in line with the containers that run now. */
  refreshAll(): Promise<void>
  /** The same for one container. */
  refresh(container: string): Promise<void>
  stop(): void
}

interface Open {
  forward: Forward
  local: number
  relays: Relay[]
}

const keyOf = ({ port, gatewayPort }: Forward) => `${port} ${gatewayPort}`

/** `addresses` are those of this machine that listen; the first one has to, others may be absent. */
export function forwarder(api: DockerApi, addresses: readonly string[], talk: ForwardTalk): Forwarder {
  const open = new Map<string, Map<string, Open>>()

  async function settle(container: string, wanted: readonly Forward[]): Promise<void> {
    const now = open.get(container) ?? new Map<string, Open>()
    const keys = new Set(wanted.map(keyOf))
    for (const [key, running] of now) if (!keys.has(key)) { close(running); now.delete(key) }
    for (const forward of wanted) {
      if (now.has(keyOf(forward))) continue
      const opened = await begin(forward)
      if (opened) now.set(keyOf(forward), opened)
    }
    if (now.size > 0) open.set(container, now)
    else open.delete(container)
  }

  function close({ forward, local, relays }: Open): void {
    for (const relay of relays) relay.close()
    if (relays.length > 0) talk.closed(forward, local)
  }

  async function begin(forward: Forward): Promise<Open | undefined> {
    for (let local = forward.local.first; local <= forward.local.last; local++) {
      const relays = await listen(forward, local)
      if (relays === undefined) continue
      talk.opened(forward, local)
      return { forward, local, relays }
    }
    // The gateway's own port is in use by the gateway, when it is on this machine: then it is where it should be.
    if (isOnThisMachine(api.host) && forward.local.first === forward.gatewayPort) return { forward, local: forward.gatewayPort, relays: [] }
    talk.inUse(forward)
    return undefined
  }

  async function listen({ protocol, gatewayPort }: Forward, port: number): Promise<Relay[] | undefined> {
    const relay = protocol === 'udp' ? relayUdp : relayTcp
    const target = () => ({ host: api.host, port: gatewayPort })
    const tries = addresses.map((address) => relay({ address, port, target, admit: () => true }))
    const [first, ...others] = await Promise.allSettled(tries)
    const opened = [first, ...others].filter((one) => one?.status === 'fulfilled').map(({ value }) => value)
    if (first?.status === 'fulfilled') return opened
    for (const one of opened) one.close()
    return undefined
  }

  async function refresh(container: string): Promise<void> {
    const inspected = await api.get(`/containers/${container}/json`)
    await settle(container, inspected === undefined ? [] : forwardsOf(inspected))
  }

  return {
    refresh,
    async refreshAll() {
      const running = ((await api.get('/containers/json')) as { Id: string }[]).map(({ Id }) => Id)
      for (const container of new Set([...open.keys(), ...running])) await refresh(container)
    },
    stop() {
      for (const ports of open.values()) for (const { relays } of ports.values()) for (const relay of relays) relay.close()
      open.clear()
    },
  }
}

function isOnThisMachine(host: string): boolean {
  return host === 'localhost' || host.startsWith('127.') || host === '::1'
}

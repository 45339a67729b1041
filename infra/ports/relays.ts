import { at } from '../../lib/engine-path.ts'
import type { Host } from '../../lib/engine.ts'
import type { EngineEvent } from '../../lib/events.ts'
import { parseAnswer } from '../../lib/json.ts'
import { publishedIn, type PortRange, type PortRelay, type Published } from '../../lib/ports.ts'
import type { Claim, Store } from '../../lib/store.ts'
import { portClaims } from './claims.ts'
import { relayTcp } from './tcp.ts'
import type { Admit, Relay, Target } from './target.ts'
import { relayUdp } from './udp.ts'

export interface RelaysOptions {
  store: Store
  /** The gateway's address that relays listen on. */
  address: string
  range: PortRange
  /** Does no other gateway share the store? Then who listens on a port of ours is a stranger. */
  alone: boolean
  /** May this source use the ports of the namespace? */
  admit(ns: string, source: string): ReturnType<Admit>
}

/** The relays of one gateway. What it relays follows from its hosts' engines, so each gateway of several relays every port. */
export interface Relays extends PortRelay {
  /** Catches up with a host after a stretch of time in which nobody watched. */
  resume(host: Host): Promise<void>
  /** Something happened to an object of a namespace. */
  changed(host: Host, ns: string, event: EngineEvent): Promise<void>
  stop(): void
}

/** A container port that is relayed: where the engine publishes it, and a relay for each of its bindings. */
interface Open {
  published: Published
  relays: Relay[]
}

export function relays(options: RelaysOptions): Relays {
  const { store, address } = options
  const claims = portClaims(store, options.range, (port, containerPort) => isFree(address, port, containerPort))
  const open = new Map<string, Map<string, Open>>()
  const oneByOne = chains()

  async function refresh(host: Host, ns: string, container: string): Promise<void> {
    const answer = await host.call({ method: 'GET', path: at`/containers/${container}/json` })
    const published = answer.status === 200 ? publishedIn((parseAnswer(answer.text) as any).NetworkSettings?.Ports) : []
    await settle(ns, container, published)
    if (answer.status === 404) await claims.releaseAll(ns, container)
  }

  async function settle(ns: string, container: string, published: readonly Published[]): Promise<void> {
    const now = open.get(container) ?? new Map<string, Open>()
    const wanted = new Map(published.map((one) => [one.port, one]))
    for (const [port, { relays }] of now) if (!wanted.has(port)) { close(relays); now.delete(port) }
    for (const [port, one] of wanted) {
      const running = now.get(port)
      if (running) running.published = one
      else now.set(port, await begin(ns, container, one))
    }
    if (now.size > 0) open.set(container, now)
    else open.delete(container)
  }

  async function begin(ns: string, container: string, published: Published): Promise<Open> {
    const made: Open = { published, relays: [] }
    const target: Target = () => ({ host: made.published.address, port: made.published.hostPort })
    try {
      for (const port of await claims.portsOf(ns, container, published.port)) made.relays.push(await listen(ns, container, published.port, port, target))
    } catch (error) {
      close(made.relays)
      throw error
    }
    return made
  }

  /**
   * A port that a stranger on this machine listens on is given up for another one. In a farm it is another gateway at the same address, which
   * relays it already.
   */
  async function listen(ns: string, container: string, containerPort: string, first: number, target: Target): Promise<Relay> {
    const relay = relayOf(containerPort)
    for (let port = first; ;) {
      try {
        return await relay({ address, port, target, admit: (source) => options.admit(ns, source) })
      } catch (error) {
        if (!['EADDRINUSE', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
        const taken = port
        if (!options.alone) return { port: taken, close() {} }
        port = await claims.another(ns, container, taken, containerPort)
      }
    }
  }

  const refreshInTurn: PortRelay['refresh'] = (host, ns, container) => oneByOne(container, () => refresh(host, ns, container))

  return {
    take: (host, container, wanted) => oneByOne(`take ${container.ns}`, () => claims.take(host, container, wanted)),
    refresh: refreshInTurn,
    dialled(container, port, hostPort) {
      const { published, relays = [] } = open.get(container)?.get(port) ?? {}
      return published?.hostPort === hostPort ? relays.map((relay) => ({ address, port: relay.port })) : []
    },
    async changed(host, ns, event) {
      const container = portsMayChange(event)
      if (container === undefined) return
      if (event.Action === 'destroy' || open.has(container)) return refreshInTurn(host, ns, container)
      if (event.Action !== 'die' && (await store.byId(ns, 'container', container))?.facts.ports !== undefined) await refreshInTurn(host, ns, container)
    },
    async resume(host) {
      for (const { id: ns } of await store.namespaces(host.name)) {
        const publishing = (await store.claims(ns, 'container')).filter(({ facts }) => facts.ports !== undefined).map(({ id }) => id!)
        const taken = (await store.claims(ns, 'port')).map((claim: Claim) => String(claim.facts.container))
        for (const container of new Set([...publishing, ...taken])) await refreshInTurn(host, ns, container)
      }
    },
    stop() {
      for (const ports of open.values()) for (const { relays } of ports.values()) close(relays)
      open.clear()
    },
  }
}

function relayOf(containerPort: string): typeof relayTcp {
  return containerPort.endsWith('/udp') ? relayUdp : relayTcp
}

async function isFree(address: string, port: number, containerPort: string): Promise<boolean> {
  return relayOf(containerPort)({ address, port, target: () => undefined, admit: () => false }).then((probe) => { probe.close(); return true }, () => false)
}

function close(relays: readonly Relay[]): void {
  for (const relay of relays) relay.close()
}

/** The container whose published ports may be others after this event: engines publish anew at each start and when its networks change. */
function portsMayChange({ Type, Action, Actor }: EngineEvent): string | undefined {
  if (Type === 'container') return ['start', 'die', 'destroy'].includes(Action) ? Actor.ID : undefined
  return Type === 'network' && ['connect', 'disconnect'].includes(Action) ? Actor.Attributes?.container : undefined
}

/** Runs works of one key one after another. */
function chains(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const tails = new Map<string, Promise<unknown>>()
  return (key, work) => {
    const mine = (tails.get(key) ?? Promise.resolve()).catch(() => {}).then(work)
    tails.set(key, mine)
    return mine.finally(() => { if (tails.get(key) === mine) tails.delete(key) })
  }
}

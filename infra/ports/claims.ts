import { randomInt } from 'node:crypto'
import { at } from '../../lib/engine-path.ts'
import type { Host } from '../../lib/engine.ts'
import { parseAnswer } from '../../lib/json.ts'
import { candidates, type Owner, type PortRange, type WantedPorts } from '../../lib/ports.ts'
import { Refusal } from '../../lib/refusal.ts'
import type { Claim, Store } from '../../lib/store.ts'

/** The gateways' ports in the store: a port belongs to one binding of one container, on every gateway, for as long as the container exists. */
export interface PortClaims {
  /** Takes a port for every wanted binding that has none. Throws what `PortRelay.take` does. */
  take(host: Host, owner: Owner, wanted: WantedPorts): Promise<void>
  /** The ports of the bindings of a container port, at least one: it is taken when there was none. */
  portsOf(ns: string, container: string, port: string): Promise<number[]>
  /** Takes another port for a binding whose own this gateway cannot listen on; that one is not taken again. */
  another(ns: string, container: string, gatewayPort: number, port: string): Promise<number>
  releaseAll(ns: string, container: string): Promise<void>
}

/** What a claim on a port says. */
interface PortFacts {
  container: string
  /** `80/tcp` */
  port: string
  place: number
  /** The host port the job asked for: `8080`, `8000-8010` or nothing. */
  wish: string
}

const factsOf = (claim: Claim) => claim.facts as unknown as PortFacts
const protocolOf = (port: string) => port.slice(port.indexOf('/') + 1)

/** `isFree` tells whether this gateway could listen on one of its ports. */
export function portClaims(store: Store, range: PortRange, isFree: (port: number, containerPort: string) => Promise<boolean>): PortClaims {
  const unusable = new Set<string>()
  let next = randomInt(range.first, range.last + 1)

  async function allocate(ns: string, facts: PortFacts): Promise<number> {
    const protocol = protocolOf(facts.port)
    for (const port of candidates(range, facts.wish, next)) {
      const name = `${port}/${protocol}`
      if (unusable.has(name)) continue
      const { outcome } = await store.reserve({ ns, kind: 'port', name })
      if (outcome === 'closed') throw new Refusal(503, 'this namespace is being closed; open a new one')
      if (outcome !== 'reserved') continue
      if (await isFree(port, facts.port) && await store.claim({ ns, kind: 'port', name, id: name, facts: { ...facts } })) {
        // Not the same port again at once: clients remember.
        next = port === range.last ? range.first : port + 1
        return port
      }
      await store.release(ns, 'port', name)
    }
    throw new Refusal(503, `every ${protocol} port of this gateway's range ${range.first}-${range.last} is in use; remove containers that publish ports, or ask the operator for a wider ports.range`)
  }

  return {
    async take(host, owner, wanted) {
      const taken = await store.claims(owner.ns, 'port')
      for (const [port, bindings] of Object.entries(wanted)) {
        for (const [place, { HostPort: wish }] of bindings.entries()) {
          await refuseTaken(host, owner, taken, port, wish)
          const has = taken.map(factsOf).some((facts) => facts.container === owner.id && facts.port === port && facts.place === place)
          if (!has) await allocate(owner.ns, { container: owner.id, port, place, wish })
        }
      }
    },
    async portsOf(ns, container, port) {
      const known = (await store.claims(ns, 'port')).filter((claim) => factsOf(claim).container === container && factsOf(claim).port === port)
        .toSorted((one, other) => factsOf(one).place - factsOf(other).place)
      return known.length > 0 ? known.map(({ name }) => Number.parseInt(name)) : [await allocate(ns, { container, port, place: 0, wish: '' })]
    },
    async another(ns, container, gatewayPort, port) {
      const name = `${gatewayPort}/${protocolOf(port)}`
      unusable.add(name)
      const facts = (await store.byName(ns, 'port', name))?.facts as unknown as PortFacts | undefined
      const instead = await allocate(ns, facts ?? { container, port, place: 0, wish: '' })
      await store.release(ns, 'port', name)
      return instead
    },
    async releaseAll(ns, container) {
      for (const claim of await store.claims(ns, 'port')) if (factsOf(claim).container === container) await store.release(ns, 'port', claim.name)
    },
  }
}

/** On a private engine only one running container can have a host port (moby, daemon/libnetwork/portallocator). */
async function refuseTaken(host: Host, owner: Owner, taken: readonly Claim[], port: string, wish: string): Promise<void> {
  if (!/^[1-9]\d*$/.test(wish)) return
  for (const claim of taken) {
    const facts = factsOf(claim)
    if (facts.container === owner.id || facts.wish !== wish || protocolOf(facts.port) !== protocolOf(port)) continue
    if (!await isRunning(host, facts.container)) continue
    throw new Refusal(500, `failed to set up container networking: driver failed programming external connectivity on endpoint ${owner.name} (${owner.id}): Bind for 0.0.0.0:${wish} failed: port is already allocated`)
  }
}

async function isRunning(host: Host, container: string): Promise<boolean> {
  const answer = await host.call({ method: 'GET', path: at`/containers/${container}/json` })
  return answer.status === 200 && (parseAnswer(answer.text) as { State: { Running: boolean } }).State.Running
}

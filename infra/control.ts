import { createHash, timingSafeEqual } from 'node:crypto'
import type { Control } from '../functions/namespaces.ts'
import { rows } from '../functions/index.ts'
import { explain } from '../lib/explain.ts'
import type { Policy } from '../lib/policy.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Namespace, Store } from '../lib/store.ts'
import type { Closer } from './closing.ts'
import { hostControl, type HostControlParts } from './control-hosts.ts'
import type { NamespaceSockets } from './namespace-sockets.ts'
import type { opener } from './opening.ts'

export interface ControlParts extends HostControlParts {
  operatorToken: string
  policy(name: string): Policy
  open: ReturnType<typeof opener>
  closer: Closer
  sockets: NamespaceSockets
}

/** The control API's work, in the words of its answers. */
export function control(parts: ControlParts): Control {
  const { store, hosts, operatorToken, policy, open, closer, sockets } = parts
  return {
    hosts: hostControl(parts),
    authorised: (token) => timingSafeEqual(digest(token), digest(operatorToken)),
    async open(wish) {
      const { namespace, ...credentials } = await open(wish)
      return { ...shown(namespace), ...credentials }
    },
    async list() {
      return Promise.all((await store.namespaces()).map(async (namespace) => ({ ...shown(namespace), ...await counts(store, namespace.id) })))
    },
    close: closer.close,
    async socket(id, path) {
      if ((await store.find(id))?.state !== 'open') throw new Refusal(404, `no such open namespace: ${id}`)
      await sockets.begin(id, path)
      return { id, path }
    },
    explain: async (question) => explain(rows, hosts.any(), policy(question.policy), question.request, question.body),
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function shown({ opened, expires, lease, ...rest }: Namespace) {
  const [from, until, unused] = [opened, expires, lease].map((moment) => new Date(moment).toISOString())
  return { ...rest, opened: from, expires: until, lease: unused }
}

async function counts(store: Store, ns: string) {
  const [containers, networks, volumes, images] = await Promise.all(
    (['container', 'network', 'volume', 'image'] as const).map(async (kind) => (await store.claims(ns, kind)).length))
  return { containers, networks, volumes, images }
}

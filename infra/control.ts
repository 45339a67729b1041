import type { Control } from '../functions/namespaces.ts'
import { rows } from '../functions/index.ts'
import { explain } from '../lib/explain.ts'
import { maySee, type Opener } from '../lib/openers/opener.ts'
import type { Policy } from '../lib/policy.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Namespace, Store } from '../lib/store.ts'
import type { Closer } from './closing.ts'
import { hostControl, type HostControlParts } from './control-hosts.ts'
import { tokenControl } from './openers/tokens.ts'
import type { Recogniser } from './openers/recognise.ts'
import type { NamespaceSockets } from './namespace-sockets.ts'
import type { opener } from './opening.ts'

export interface ControlParts extends HostControlParts {
  recognise: Recogniser
  policy(name: string): Policy
  open: ReturnType<typeof opener>
  closer: Closer
  sockets: Pick<NamespaceSockets, 'begin'>
}

/** The control API's work, in the words of its answers. */
export function control(parts: ControlParts): Control {
  const { store, hosts, recognise, policy, open, closer, sockets } = parts
  return {
    hosts: hostControl(parts),
    recognise,
    tokens: tokenControl(store, policy),
    async open(wish, by, use) {
      const { namespace, ...credentials } = await open(wish, by, use)
      return { ...shown(namespace), ...credentials }
    },
    async list(by) {
      const namespaces = (await store.namespaces()).filter((namespace) => maySee(by, namespace.by))
      return Promise.all(namespaces.map((namespace) => listed(store, namespace)))
    },
    inspect: async (id, by) => listed(store, await seen(store, id, by)),
    async close(id, by) {
      if (by) await seen(store, id, by)
      return closer.close(id)
    },
    async socket(id, path) {
      if ((await store.find(id))?.state !== 'open') throw new Refusal(404, `no such open namespace: ${id}`)
      await sockets.begin(id, path)
      return { id, path }
    },
    explain: async (question) => explain(rows, hosts.any(), policy(question.policy), question.request, question.body),
  }
}

/** Another opener's namespace is answered as one that does not exist; without an opener it is the namespace itself that asks. */
async function seen(store: Store, id: string, by: Opener | undefined): Promise<Namespace> {
  const namespace = await store.find(id)
  if (namespace === undefined || (by && !maySee(by, namespace.by))) throw new Refusal(404, `no such namespace: ${id}`)
  return namespace
}

async function listed(store: Store, namespace: Namespace) {
  return { ...shown(namespace), ...await counts(store, namespace.id) }
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

import type { Call } from '../endpoint.ts'
import type { Scope } from './scope.ts'

/**
 * The builds of a namespace share caches with those of its trust domain, or with none (`build.cache: namespace`). A domain is told
 * by what nobody can guess: a cache key is made of it, and who knew it could prepare what others find under that key.
 */
export async function buildScope({ ns, namespace, policy, host }: Pick<Call, 'ns' | 'namespace' | 'policy' | 'host'>): Promise<Scope> {
  const { parent, caches } = await host.groups.builds(namespace, policy)
  return { ns, group: parent, cache: `c${caches}` }
}

import type { Call } from '../endpoint.ts'
import type { Scope } from './scope.ts'

/**
 * The builds of a namespace share caches with those of its trust domain, or with none (`build.cache: namespace`). A domain is told
 * by a token that nobody can guess: a cache key is made of it, and who knew it could prepare what others find under that key.
 */
export function buildScope(call: Pick<Call, 'ns' | 'namespace' | 'policy' | 'seal'>): Scope {
  return { ns: call.ns, group: buildGroup(call), cache: `c${domainToken(call)}` }
}

/** The control group above all RUN steps of a namespace's builds: an absolute path, its last component a secret of the trust domain. */
export function buildGroup(call: Pick<Call, 'ns' | 'namespace' | 'policy' | 'seal'>): string {
  return `/moorage/build-${domainToken(call)}`
}

function domainToken({ ns, namespace, policy, seal }: Pick<Call, 'ns' | 'namespace' | 'policy' | 'seal'>): string {
  return seal(policy.build.cache === 'domain' ? `build domain ${namespace.domain}` : `build namespace ${ns}`).slice(0, 24)
}

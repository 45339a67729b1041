import { endpoint, type Call, type Endpoint } from '../lib/endpoint.ts'
import { at } from '../lib/engine-path.ts'
import { permitRegistry, unlisted } from '../lib/policy.ts'
import { normalised, parseReference, withDefaultTag, type Reference } from '../lib/reference.ts'
import { parseRegistryAuth, registryHeader } from '../lib/schemas/auth.ts'

/** Endpoints on registries (Engine API, tag Distribution). */
export const distribution: readonly Endpoint[] = [
  endpoint({
    name: 'DistributionInspect', route: 'GET /distribution/:name{.+}/json',
    plan(call) {
      const reference = withDefaultTag(parseReference(call.term))
      requireRegistry(call, reference)
      return { path: at`/distribution/${normalised(reference)}/json`, headers: registryCredentials(call) }
    },
  }),
]

/** Refuses registries that the policy does not list: the engine dials them from its own network. */
export function requireRegistry({ policy }: Pick<Call, 'policy'>, { domain }: Reference): void {
  permitRegistry(policy, domain, unlisted(policy, domain, { more: ', or ask the operator to add it to registries' }))
}

/** The job's credentials for a registry, rebuilt. Where they are sent is decided by the reference, never by an address in them. */
export function registryCredentials({ connection }: Pick<Call, 'connection'>): Record<string, string> {
  const given = connection.header('x-registry-auth')
  const credentials = given === undefined ? undefined : parseRegistryAuth(given)
  if (credentials === undefined) return {}
  const { serveraddress: _, ...sent } = credentials
  return { 'x-registry-auth': registryHeader(sent) }
}

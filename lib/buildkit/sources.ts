import { create } from '@bufbuild/protobuf'
import { literal } from '../literal.ts'
import { storedRegistry } from '../names.ts'
import { permit, type Policy as JobPolicy } from '../policy.ts'
import { forbidden, type Forbidden } from '../refusal.ts'
import { nowhere, registryPattern } from '../registries.ts'
import { MatchType, PolicyAction, PolicySchema, RuleSchema, SelectorSchema, type Policy, type Rule } from './proto/policy_pb.ts'

/** An image that builds of a namespace may use from the engine itself. */
export interface LocalImage {
  /** `sha256:<64 hex>` */
  id: string
  /** What the engine has it under, a tag: a stored reference of the namespace, or the one an operator shares. */
  stored: string
}

/** What the builds of a namespace may take in. */
export interface Sources {
  /** The image on the engine that a reference, however written, means in this namespace; undefined when it has none. */
  own(reference: string): LocalImage | undefined
  /** All of them by normalised reference. */
  images: ReadonlyMap<string, LocalImage>
  ns: string
  policy: JobPolicy
}

/** What the engine fetches from the session of the client is the client's own. */
const uploads = 'https?://buildkit-session/'

/**
 * Refuses kinds of sources that the policy does not allow. Which registries are allowed is for the source policy, which the engine applies to every
 * source. `refusal` says so in the words of the caller.
 */
export function permitSource(identifier: string, { policy }: Pick<Sources, 'policy'>, refusal: Forbidden): void {
  if (/^(docker-image|local|oci-layout):\/\//.test(identifier)) return
  if (new RegExp(`^${uploads}`).test(identifier)) return
  if (!/^(https?|git):\/\//.test(identifier)) throw forbidden(refusal)
  if (!policy.build.remote) permit(policy, forbidden(refusal, { path: 'build.remote', value: true }))
}

/** The words for a source that a client names by itself. */
export function fetchedByEngine(identifier: string): Forbidden {
  return { field: `the source ${identifier.slice(0, 200)}`, why: 'it would be fetched by the engine from its own network', instead: 'download it in the job and copy it in' }
}

/**
 * The source policy of a namespace's builds, which BuildKit applies to every source, whoever asks: the Dockerfile, the frontend, raw LLB
 * (moby/buildkit, sourcepolicy/engine.go). The last rule that matches decides. Regular expressions are Go's and unanchored.
 */
export function sourcePolicy({ images, ns, policy }: Sources): Policy {
  // What is only observed the engine must not refuse; see observed.ts.
  const [registries, remote] = policy.notice ? [['*'], true] : [policy.registries, policy.build.remote]
  const shared = [...images.values()].map(({ stored }) => stored).filter((stored) => !stored.startsWith(`${storedRegistry}/`))
  return create(PolicySchema, {
    version: 1n,
    rules: [
      deny('^'),
      allow('^(local|oci-layout)://'),
      allow(`^${uploads}`),
      ...remote ? [allow('^(https?|git)://'), deny(`(?i)^(https?|git)://([^/]*@)?${nowhere}([/?#]|$)`)] : [],
      ...registries.map((registry) => allow(`^docker-image://${registryPattern(registry)}/`)),
      deny(`(?i)^docker-image://${nowhere}/`),
      // Engines take such a first part of a Docker Hub name for a registry when they read the name again.
      deny('^docker-image://docker\\.io/([^/]*[.:][^/]*|localhost)/'),
      deny(`^docker-image://${literal(storedRegistry)}`),
      ...[...new Set(shared)].map((stored) => allow(`^docker-image://${literal(stored)}$`)),
      allow(`^docker-image://${literal(storedRegistry)}/${ns}/`),
    ],
  })
}

function rule(action: PolicyAction, identifier: string): Rule {
  return create(RuleSchema, { action, selector: create(SelectorSchema, { identifier, matchType: MatchType.REGEX }) })
}
const allow = (identifier: string) => rule(PolicyAction.ALLOW, identifier)
const deny = (identifier: string) => rule(PolicyAction.DENY, identifier)

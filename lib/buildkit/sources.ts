import { create } from '@bufbuild/protobuf'
import type { Policy as JobPolicy } from '../policy.ts'
import { storedRegistry } from '../names.ts'
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

/** Is this kind of source allowed at all? Which registries are is for the source policy, which the engine applies to every source. */
export function isAllowedScheme(identifier: string, { policy }: Pick<Sources, 'policy'>): boolean {
  if (/^(docker-image|local|oci-layout):\/\//.test(identifier)) return true
  if (new RegExp(`^${uploads}`).test(identifier)) return true
  return policy.build.remote && /^(https?|git):\/\//.test(identifier)
}

/**
 * The source policy of a namespace's builds, which BuildKit applies to every source, whoever asks: the Dockerfile, the frontend, raw LLB
 * (moby/buildkit, sourcepolicy/engine.go). The last rule that matches decides. Regular expressions are Go's and unanchored.
 */
export function sourcePolicy({ images, ns, policy }: Sources): Policy {
  const shared = [...images.values()].map(({ stored }) => stored).filter((stored) => !stored.startsWith(`${storedRegistry}/`))
  return create(PolicySchema, {
    version: 1n,
    rules: [
      deny('^'),
      allow('^(local|oci-layout)://'),
      allow(`^${uploads}`),
      ...policy.build.remote ? [allow('^(https?|git)://'), ...nowhere.map((host) => deny(`^(https?|git)://([^/]*@)?${host}`))] : [],
      ...policy.registries.map((registry) => allow(`^docker-image://${registryPattern(registry)}/`)),
      ...nowhere.map((host) => deny(`^docker-image://${host}`)),
      // Engines take such a first part of a Docker Hub name for a registry when they read the name again.
      deny('^docker-image://docker\\.io/([^/]*[.:][^/]*|localhost)/'),
      deny(`^docker-image://${literal(storedRegistry)}`),
      ...[...new Set(shared)].map((stored) => allow(`^docker-image://${literal(stored)}$`)),
      allow(`^docker-image://${literal(storedRegistry)}/${ns}/`),
    ],
  })
}

/** Link-local addresses hold the credentials of the cloud the host runs in. */
const nowhere = ['169\\.254\\.', '\\[?[fF][eE]80:', '\\[::[fF][fF][fF][fF]:', '[0-9]+(:|/)', '0[xX0-7]'] as const

function registryPattern(registry: string): string {
  if (registry === '*') return '[^/]+'
  return registry.startsWith('*.') ? `[^/]*${literal(registry.slice(1))}` : literal(registry)
}

/** A text as a regular expression of Go. */
function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function rule(action: PolicyAction, identifier: string): Rule {
  return create(RuleSchema, { action, selector: create(SelectorSchema, { identifier, matchType: MatchType.REGEX }) })
}
const allow = (identifier: string) => rule(PolicyAction.ALLOW, identifier)
const deny = (identifier: string) => rule(PolicyAction.DENY, identifier)

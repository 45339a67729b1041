import * as v from 'valibot'
import { defaultPolicy, policySchema, type Policy } from '../../lib/policy.ts'
import { issuerEntry, overcommitEntry } from '../config-schema.ts'
import { Refusal } from '../../lib/refusal.ts'

/** Another service that is called instead of the engine's address, such as an mTLS binding. */
export interface Fetcher {
  fetch(request: Request): Promise<Response>
}

/** Variables, secrets and bindings of the Worker (wrangler.toml). */
const environment = v.object({
  /** URL of the farm's Redis. */
  STORE: v.pipe(v.string(), v.regex(/^rediss?(\+sentinel|\+cluster)?:\/\/./, 'expected the URL of the Redis of a farm')),
  /** JSON: policies by name, as in the config file of the farm's other gateways. */
  POLICIES: v.optional(v.pipe(v.string(), v.parseJson(), v.record(v.string(), policySchema)), '{}'),
  /** References the operator shares with every namespace, with commas between them. */
  SHARED_IMAGES: v.optional(v.string(), ''),
  /** JSON: the issuers of CI systems' tokens, as `oidc` in the config file. */
  OIDC: v.optional(v.pipe(v.string(), v.parseJson(), v.array(issuerEntry)), '[]'),
  /** JSON, as `overcommit` in the config file. */
  OVERCOMMIT: v.optional(v.pipe(v.string(), v.parseJson(), overcommitEntry), '{}'),
  CONTROL_GROUPS: v.optional(v.picklist(['required', 'best-effort', 'off']), 'best-effort'),
  /** What a proxy in front proves itself with that has checked clients' certificates. */
  PROXY_SECRET: v.optional(v.pipe(v.string(), v.minLength(16))),
  /** An mTLS certificate binding, where engines want one. */
  ENGINES: v.optional(v.custom<Fetcher>((given) => typeof (given as Fetcher).fetch === 'function')),
})

export interface Settings extends Omit<v.InferOutput<typeof environment>, 'POLICIES' | 'SHARED_IMAGES'> {
  policy(name: string): Policy
  sharedImages: readonly string[]
}

/** Reads the Worker's environment. Throws `Refusal` 500 naming what is wrong. */
export function settingsOf(env: unknown): Settings {
  const { success, output, issues } = v.safeParse(environment, env)
  if (!success) throw new Refusal(500, `the Worker's variable ${v.getDotPath(issues[0]) ?? ''} cannot be used: ${issues[0].message}`)
  const { POLICIES, SHARED_IMAGES, ...rest } = output
  const policies = new Map(Object.entries({ default: defaultPolicy, ...POLICIES }))
  return {
    ...rest,
    sharedImages: SHARED_IMAGES.split(',').map((reference) => reference.trim()).filter((reference) => reference !== ''),
    policy(name) {
      const policy = policies.get(name)
      if (policy === undefined) throw new Refusal(400, `no such policy: ${name}; this gateway has ${[...policies.keys()].join(', ')}`)
      return policy
    },
  }
}

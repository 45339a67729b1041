import * as v from 'valibot'
import { globPattern } from './glob.ts'
import type { Grant } from './opener.ts'

/** Claims of a verified token (RFC 7519, section 4). */
export type Claims = Readonly<Record<string, unknown>>

const template = v.pipe(v.string(), v.minLength(1), v.maxLength(256))

/**
 * A rule from claims to what may be opened.
 * `when`: every claim must match: text compares with `*` as any text within a path segment and `**` as any text; lists match when one entry does.
 * `policy`, `domain`, `label`: texts in which `{claim}` stands for the claim's value. `policies` lists more that may be asked for.
 */
export const ruleSchema = v.strictObject({
  when: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
  policy: v.optional(template, 'default'),
  policies: v.optional(v.array(v.string()), []),
  domain: v.optional(template),
  label: v.optional(template, '{sub}'),
  /** Seconds. */
  lifetime: v.optional(v.pipe(v.number(), v.minValue(1))),
})

export type Rule = v.InferOutput<typeof ruleSchema>

/** What the first rule that matches grants, or undefined when none does. A rule whose texts name a claim that the token lacks does not match. */
export function grantOf(rules: readonly Rule[], claims: Claims): Grant | undefined {
  for (const { when, policy, policies, domain, label, lifetime } of rules) {
    if (!Object.entries(when).every(([claim, wanted]) => matches(ownClaim(claims, claim), String(wanted)))) continue
    const texts = [policy, domain, label].map((text) => text === undefined ? '' : filled(text, claims))
    if (texts.includes(undefined)) continue
    const [chosen, shared, shown] = texts as string[]
    return { policies: [chosen!, ...policies], domain: domain === undefined ? undefined : shared, label: shown!.slice(0, 256), lifetime }
  }
  return undefined
}

function ownClaim(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}

function matches(value: unknown, wanted: string): boolean {
  if (Array.isArray(value)) return value.some((entry) => matches(entry, wanted))
  const text = textOf(value)
  return text !== undefined && globPattern(wanted).test(text)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

function filled(text: string, claims: Claims): string | undefined {
  let lacking = false
  const made = text.replace(/\{([^{}]+)\}/g, (_match, name: string) => {
    const value = textOf(ownClaim(claims, name))
    lacking ||= value === undefined || value === ''
    return value ?? ''
  })
  return lacking ? undefined : made
}

import * as v from 'valibot'
import { globPattern } from './glob.ts'
import type { Grant } from './opener.ts'

/** Claims of a verified token (RFC 7519, section 4). */
export type Claims = Readonly<Record<string, unknown>>

const template = v.pipe(v.string(), v.minLength(1), v.maxLength(256))

/** A rule from claims to what may be opened. */
export const ruleSchema = v.strictObject({
  when: v.pipe(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])), v.description(
    'Claims that must all match: `*` is any text without a slash and `**` any text; a list matches when one of its entries does.',
  )),
  policy: v.optional(v.pipe(template, v.description('The policy of what it opens. In this and in `domain` and `label`, `{claim}` stands for a claim\'s value.')), 'default'),
  policies: v.optional(v.pipe(v.array(v.string()), v.description('More policies that may be asked for.')), []),
  domain: v.optional(v.pipe(template, v.description('Trust domain, whose namespaces share their build cache. Absent: each its own.'))),
  label: v.optional(v.pipe(template, v.description('What people call a namespace that its job does not name.')), '{sub}'),
  lifetime: v.optional(v.pipe(v.number(), v.minValue(1), v.description('Seconds that its namespaces live at most.'))),
  namespaces: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.description('Namespaces of one subject (`sub`) at one time; those that are closing count.'))),
})

export type Rule = v.InferOutput<typeof ruleSchema>

/** What the first rule that matches grants, or undefined when none does. A rule whose texts name a claim that the token lacks does not match. */
export function grantOf(rules: readonly Rule[], claims: Claims): Grant | undefined {
  for (const { when, policy, policies, domain, label, lifetime, namespaces } of rules) {
    if (!Object.entries(when).every(([claim, wanted]) => matches(ownClaim(claims, claim), String(wanted)))) continue
    const texts = [policy, domain, label].map((text) => text === undefined ? '' : filled(text, claims))
    if (texts.includes(undefined)) continue
    const [chosen, shared, shown] = texts as string[]
    return { policies: [chosen!, ...policies], domain: domain === undefined ? undefined : shared, label: shown!.slice(0, 256), lifetime, ...(namespaces !== undefined && { namespaces }) }
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
  return lacking || !made.isWellFormed() ? undefined : made
}

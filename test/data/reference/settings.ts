import * as v from 'valibot'

/** A setting as the reference shows it. */
export interface Shown {
  /** Keys joined by dots; `[]` is an entry of a list, `NAME` a key of one's own. */
  path: string
  type: string
  /** As YAML would have it; `required` for what its surroundings demand. */
  fallback: string
  /** How else it is given, where it is. */
  ways: { flag?: string, value?: string, env?: string, comment?: string }
  about: string
}

/** What the schemas of settings have in common, as data. */
type AnySchema = v.GenericSchema & {
  entries?: Record<string, AnySchema>
  wrapped?: AnySchema
  item?: AnySchema
  value?: AnySchema
  options?: readonly unknown[]
  pipe?: readonly { kind: string, type: string, requirement?: unknown }[]
  default?: unknown
}

/** Every setting of a schema, in its order; what is inside of `skip` is left to another page. */
export function settingsOf(schema: v.GenericSchema, { skip = [] as readonly string[] } = {}): Shown[] {
  return [...walk(schema as AnySchema, '', skip, true)]
}

function* walk(schema: AnySchema, path: string, skip: readonly string[], isRoot = false): Generator<Shown> {
  const inside = unwrap(schema)
  const { entries } = inside
  const about = v.getDescription(inside) ?? ''
  if (!isRoot && (entries === undefined || about !== '')) yield shown(schema, inside, path, about)
  if (skip.includes(path)) return
  if (entries) for (const [key, entry] of Object.entries(entries)) yield* walk(entry, path === '' ? key : `${path}.${key}`, skip)
  const below = inside.type === 'record' ? [inside.value!, `${path}.NAME`] as const : inside.type === 'array' ? [inside.item!, `${path}[]`] as const : undefined
  if (below && unwrap(below[0]).entries) yield* walk(below[0], below[1], skip, true)
}

function shown(schema: AnySchema, inside: AnySchema, path: string, about: string): Shown {
  return { path, type: typeOf(inside), fallback: fallbackOf(schema), ways: v.getMetadata(inside) as Shown['ways'], about }
}

function unwrap(schema: AnySchema): AnySchema {
  return schema.wrapped ? unwrap(schema.wrapped) : schema
}

function fallbackOf(schema: AnySchema): string {
  if (schema.type !== 'optional') return 'required'
  const { default: value } = schema
  if (value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value))) return ''
  return typeof value === 'string' ? value : JSON.stringify(value).replaceAll('"', '').replaceAll(',', ', ')
}

/** In YAML's words. */
function typeOf(schema: AnySchema): string {
  const inside = unwrap(schema)
  const actions = actionsOf(inside)
  const least = actions.find(({ type }) => type === 'min_value')?.requirement
  if (inside.type === 'number') return `${actions.some(({ type }) => type === 'integer') ? 'whole number' : 'number'}${least === undefined ? '' : `, at least ${String(least)}`}`
  if (inside.type === 'picklist') return inside.options!.map((one) => `\`${String(one)}\``).join(', ')
  if (inside.type === 'array') return unwrap(inside.item!).entries ? 'list of maps' : `list: ${typeOf(inside.item!)}`
  if (inside.type === 'union') return [...new Set(inside.options!.map((one) => typeOf(one as AnySchema).split(',')[0]))].join(' or ')
  return ({ string: 'text', boolean: 'true or false', strict_object: 'map', record: 'map' } as Record<string, string>)[inside.type] ?? inside.type
}

function actionsOf(schema: AnySchema): { type: string, requirement?: unknown }[] {
  return (schema.pipe ?? []).flatMap((one) => 'pipe' in one ? actionsOf(one as unknown as AnySchema) : [one])
}

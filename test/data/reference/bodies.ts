import type { Field } from '../../../lib/schema-struct.ts'
import type { Type } from '../../../lib/schema.ts'
import { buildQuery } from '../../../lib/schemas/build-query.ts'
import { bodies } from '../bodies.ts'
import { code, page, sentence, table } from './markdown.ts'

const verdicts = table(['verdict', 'what becomes of a value'], [
  ['pass', 'It is sent on as it came, once its type is right.'],
  ['rewrite', 'It is checked, and the namespace\'s names in it become the engine\'s.'],
  ['allow', 'It is sent on when it is on a list, and refused otherwise.'],
  ['quota', 'It is sent on up to the policy\'s limit, and refused above.'],
  ['force', 'It must be unset: anything but its zero value is refused with the reason.'],
  ['drop', 'It is taken and not sent on.'],
])

/** docs/reference/bodies.md: every field of the engine's request bodies with its verdict. */
export function requestBodies(): string {
  return page('Request bodies', 'Every body is read strictly, as the engine\'s own decoder would, and written anew from what was read. A field that is not here is refused by name. '
    + 'Which bodies belong to which call: [endpoints](endpoints.md).', verdicts,
  ...Object.entries(bodies).map(([name, schema]) => section(name, [...fields(schema, '')])), builds())
}

interface Row {
  path: string
  field: Field<any>
}

function* fields(type: Type<unknown>, path: string): Generator<Row> {
  const [inside, mark] = within(type, '')
  for (const [name, field] of Object.entries(inside.entries ?? {}) as [string, Field<any>][]) {
    const at = path === '' ? name : `${path}${mark}.${name}`
    const [below] = within(field.type, '')
    const isOpen = below.entries !== undefined && field.verdict !== 'force' && field.verdict !== 'drop'
    if (!isOpen || field.check !== undefined) yield { path: at, field }
    if (isOpen) yield* fields(field.type, at)
  }
}

/** What is in lists and maps, and how a path says so. */
function within(type: Type<unknown>, mark: string): [Type<unknown>, string] {
  return type.item === undefined ? [type, mark] : within(type.item, mark + (type.go.startsWith('[]') ? '[]' : '.NAME'))
}

function section(name: string, rows: Row[]): string {
  const told = rows.filter(({ field }) => field.verdict !== 'pass')
  const passed = rows.filter(({ field }) => field.verdict === 'pass').map(({ path }) => code(path))
  return [`## ${name}`,
    ...told.length > 0 ? [table(['field', 'verdict', 'why', 'instead'], told.map(({ path, field }) => [code(path), field.verdict, sentence(field.reason?.why ?? ''), sentence(field.reason?.instead ?? '')]))] : [],
    ...passed.length > 0 ? [`Passed: ${passed.join(', ')}.`] : []].join('\n\n')
}

function builds(): string {
  const all = Object.entries(buildQuery)
  const rows = all.filter(([, { verdict }]) => verdict !== 'pass').map(([name, { verdict, reason, except }]) =>
    [code(name), verdict, sentence(reason?.why ?? ''), sentence(reason?.instead ?? ''), (except ?? []).map(code).join(', ')])
  return ['## Parameters of POST /build', 'Those of the classic builder; what BuildKit is asked is in [endpoints](endpoints.md#buildkit).',
    table(['parameter', 'verdict', 'why', 'instead', 'all the same'], rows),
    `Passed: ${all.filter(([, { verdict }]) => verdict === 'pass').map(([name]) => code(name)).join(', ')}.`].join('\n\n')
}

import { toJsonSchema } from '@valibot/to-json-schema'
import { metrics as gatewayMetrics } from '../../../infra/observe/metrics.ts'
import { auditSchema } from '../../../lib/audit.ts'
import { code, page, table } from './markdown.ts'

/** docs/reference/metrics.md: the gateway's own; those of the process are the library's. */
export async function metrics(): Promise<string> {
  const { observe, exposition } = gatewayMetrics({ connections: () => 0, hosts: () => [{ name: 'h', up: true, draining: false }], namespaces: async () => [{ host: 'h', state: 'open' }] })
  const refused = { status: 403, message: '', setting: { path: 'registries', value: '' } } as never
  observe({ endpoint: 'e', method: 'GET', target: '', status: 403, took: 1, at: 0, refusal: refused, permitted: [refused] } as never)
  const { text } = await exposition()
  const own = [...text.matchAll(/^# HELP (moorage_\S+) (.*)\n# TYPE \S+ (\S+)\n(?:\S*?\{(.*?)\})?/gm)]
  return page('Metrics', '`GET /metrics` with the operator\'s token, in Prometheus\' text format. No label holds a name, id or text of a job. Beside these, `process_*` and `nodejs_*` tell of the gateway\'s process '
    + '(prom-client\'s defaults). [Alert rules](../../infra/deploy/alerts.yaml) and a [Grafana dashboard](../../infra/deploy/grafana.json) come with the project.',
  table(['metric', 'type', 'labels', 'meaning'], own.map(([, name, help, type, labels]) => [code(name), type!, labelsOf(labels), help!])))
}

function labelsOf(text = ''): string {
  return [...text.matchAll(/(\w+)="/g)].map(([, name]) => name!).filter((name) => name !== 'le').map(code).join(', ')
}

interface JsonSchema {
  description?: string
  type?: string
  items?: JsonSchema
  anyOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
}

/** docs/reference/audit.md. */
export function audit(): string {
  return page('Audit stream', 'A JSON object a line for each call that changed something or was refused; with `audit.reads` for calls that only read, too. [Configuration](configuration.md) says where it goes, SIGHUP opens '
    + 'its file anew. Fields are only ever added. The same as [JSON Schema](../audit.schema.json).',
  table(['field', 'type', 'meaning'], [...fields(toJsonSchema(auditSchema, { errorMode: 'ignore' }) as JsonSchema, '')]))
}

function* fields({ properties, items, anyOf }: JsonSchema, path: string): Generator<string[]> {
  for (const [name, schema] of Object.entries(properties ?? {})) {
    const at = path === '' ? name : `${path}.${name}`
    yield [code(at), typesOf(schema).join(' or '), schema.description ?? '']
    yield* fields(schema, at)
  }
  if (items) yield* fields(items, `${path}[]`)
  for (const one of anyOf ?? []) yield* fields(one, path)
}

function typesOf({ type, anyOf }: JsonSchema): string[] {
  return anyOf ? [...new Set(anyOf.flatMap(typesOf))] : [type ?? 'null']
}

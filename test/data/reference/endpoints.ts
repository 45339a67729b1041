import { rows } from '../../../functions/index.ts'
import { buildkitMethods } from '../../../functions/buildkit.ts'
import { controlRows } from '../../../functions/namespaces.ts'
import { operationsRows } from '../../../functions/operations.ts'
import { refused } from '../../../functions/refused.ts'
import type { Endpoint } from '../../../lib/endpoint.ts'
import { Refusal } from '../../../lib/refusal.ts'
import { bodies } from '../bodies.ts'
import { code, page, sentence, table } from './markdown.ts'

/** docs/reference/endpoints.md: the whitelist. */
export function endpoints(): string {
  const served = rows.filter((row) => !refused.includes(row))
  return page('Endpoints', 'The whole whitelist: what is not here does not exist (404). Docker\'s endpoints may have a version in front (`/v1.51`) and want the certificate of a namespace; the names '
    + 'in the first column are those of metrics, audit records and `moorage explain`.',
  '## Docker API',
  'Of a request, the parameters and [the fields of its body](bodies.md) that are listed are read, checked and written anew; other parameters are not sent on. The object '
    + 'in a path is looked up among the namespace\'s own, and is missing when it is not there. What the engine answers is shown in the job\'s names.',
  table(['endpoint', 'route', 'of its own', 'parameters', 'body', 'served'], served.map(row)),
  '## Answered for what a namespace does not have', 'As an engine without it, or with the reason.',
  table(['endpoint', 'route', 'answer'], refusals()),
  '## BuildKit', 'BuildKit\'s gRPC ends at the gateway (`POST /grpc`, `POST /session`), which reads each message. All other methods are refused.',
  table(['method', 'verdict', 'what becomes of it'], buildkitMethods.map(({ name, verdict, does }) => [code(name), verdict, sentence(does)])),
  '## Control API', 'Over the same port. `opener`: a token of the operator\'s, one that the operator made, or an OIDC token within its rules; who is no operator sees and closes only what it opened. '
    + '`operator`: the operator\'s token. `namespace`: its certificate.',
  table(['endpoint', 'route', 'for', 'what it does'], controlRows.map(({ endpoint, route, by, does }) => [endpoint, code(route), by, sentence(does)])),
  '## Operators', 'Without a token where it says open, otherwise with the operator\'s.',
  table(['endpoint', 'route', 'for', 'what it does'], operationsRows.map(({ endpoint, path, open, does }) => [endpoint, code(`GET ${path}`), open ? 'everybody' : 'operator', sentence(does)])))
}

/** Rows whose bodies have other names in the engine's definition. */
const named: Record<string, string> = { ContainerExec: 'exec-create', ImageCommit: 'commit', SystemAuth: 'auth' }

/** The name of a row's body among `bodies`, or undefined. */
export function bodyOf({ name, body }: Endpoint): string | undefined {
  const wanted = named[name] ?? name.replace(/(?<=.)[A-Z]/g, '-$&').toLowerCase()
  return body && Object.hasOwn(bodies, wanted) ? wanted : undefined
}

function row(one: Endpoint): string[] {
  const body = bodyOf(one)
  return [one.name, code(shown(one.route)), one.owns ?? '', Object.keys(one.query ?? {}).map(code).join(', '), body ? `[${body}](bodies.md#${body})` : one.upload ? 'bytes' : '', served(one)]
}

function shown(route: string): string {
  return route.replaceAll(/\{[^}]*\}/g, '')
}

function served({ plan, serves, travels, releases }: Endpoint): string {
  if (serves) return 'as gRPC, see below'
  const how = typeof travels === 'function' ? ', as the request says' : { json: '', raw: ', its bytes as they are', lines: ', line by line', hijack: ', with the connection handed over' }[travels ?? 'json']
  return `${plan ? 'by the engine' : 'by the gateway'}${how}${releases ? '; it is the namespace\'s no more' : ''}`
}

/** Routes with one answer are in one row. */
function refusals(): string[][] {
  const routes = new Map<string, string[]>()
  for (const one of refused) {
    const key = JSON.stringify([one.name, answerOf(one)])
    routes.set(key, [...routes.get(key) ?? [], code(shown(one.route))])
  }
  return [...routes].map(([key, all]) => {
    const [name, answer] = JSON.parse(key) as [string, string]
    return [name, all.join(', '), answer]
  })
}

function answerOf({ answer }: Endpoint): string {
  try {
    const { status, body } = answer!({ term: 'NAME' } as never) as { status: number, body?: unknown }
    return `${status}: ${code(JSON.stringify(body))}`
  } catch (error) {
    if (error instanceof Refusal) return `${error.status}: ${error.message}`
    throw error
  }
}

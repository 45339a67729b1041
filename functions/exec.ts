import { endpoint, type Endpoint } from '../lib/endpoint.ts'
import { at } from '../lib/engine-path.ts'
import { parseExecCreate } from '../lib/schemas/exec-create.ts'
import { parseExecStart } from '../lib/schemas/exec-start.ts'
import { resizeQuery } from '../lib/terminal.ts'

/** Endpoints on execs (Engine API, tag Exec). An exec belongs to whoever owns its container. */
export const exec: readonly Endpoint[] = [
  endpoint({
    name: 'ContainerExec', route: 'POST /containers/:id{.+}/exec', owns: 'container', body: parseExecCreate,
    plan: ({ id, body }) => ({ path: at`/containers/${id}/exec`, body }),
    claims: (answer, { host, id }) => host.learnExec(answer.Id, id),
  }),
  endpoint({
    name: 'ExecStart', route: 'POST /exec/:id{.+}/start', owns: 'exec', body: parseExecStart, firstValueOnly: true,
    travels: ({ body }) => (body.Detach ? 'json' : 'hijack'),
    plan: ({ id, body }) => ({ path: at`/exec/${id}/start`, body }),
  }),
  endpoint({
    name: 'ExecResize', route: 'POST /exec/:id{.+}/resize', owns: 'exec', query: resizeQuery,
    plan: ({ id, query }) => ({ path: at`/exec/${id}/resize`, query }),
  }),
  endpoint({ name: 'ExecInspect', route: 'GET /exec/:id{.+}/json', owns: 'exec', plan: ({ id }) => ({ path: at`/exec/${id}/json` }) }),
]

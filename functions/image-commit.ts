import { endpoint, type Call } from '../lib/endpoint.ts'
import { at } from '../lib/engine-path.ts'
import { refuseWhenFull } from '../lib/images/adopt.ts'
import { changeLines } from '../lib/images/changes.ts'
import { keepNew, newTarget } from '../lib/images/import.ts'
import { withLoading } from '../lib/images/real.ts'
import { loadingReference } from '../lib/images/reconcile.ts'
import { parseAnswer, parseRequestJson } from '../lib/json.ts'
import { ownerLabel } from '../lib/names.ts'
import { presentError } from '../lib/present.ts'
import { optionalFlag, text, texts, type QueryOf } from '../lib/query.ts'
import type { Reference } from '../lib/reference.ts'
import { messageOf, Refusal } from '../lib/refusal.ts'
import { parseBody } from '../lib/schema.ts'
import { commitSchema, type Commit } from '../lib/schemas/commit.ts'

const query = { container: text, repo: text, tag: text, comment: text, author: text, pause: optionalFlag, changes: texts }

type CommitCall = Call<QueryOf<typeof query>, Commit>

/** `POST /commit` (Engine API, ImageCommit; engine-api.md B.9). */
export const imageCommit = endpoint({
  name: 'ImageCommit', route: 'POST /commit', query,
  // An empty body is fine.
  body: (bytes, policy): Commit => bytes.length === 0 ? {} : parseBody(commitSchema(policy), parseRequestJson(bytes)) as Commit,
  async answer(call) {
    if (!call.query.container) throw new Refusal(400, 'invalid name or ID supplied: ""')
    const { id } = await call.resolve.container(call.query.container)
    const { comment, author, pause, changes } = call.query
    const target = newTarget(call as Call, call.query.repo, call.query.tag)
    const sent = { comment, author, pause, changes: changeLines(changes, call.host.facts()) }
    await refuseWhenFull(call as Call)
    return { status: 201, body: { Id: await commit(call as CommitCall, id, target, sent) } }
  },
})

/** Never cancelled half-way: what the engine made becomes the namespace's even when the client is gone. */
function commit(call: CommitCall, container: string, target: Reference | undefined, sent: Record<string, string | boolean | readonly string[] | undefined>): Promise<string> {
  const loading = loadingReference(call.ns, call.randomHex().slice(0, 32))
  const colon = loading.lastIndexOf(':')
  return withLoading(call.host, loading, async () => {
    const { Image: _, ...config } = await configOf(call, container)
    const answer = await call.host.call({
      method: 'POST', path: at`/commit`, version: call.version,
      // An engine copies the container's labels and takes none away: ours is left without a value.
      body: { ...config, Labels: { ...config.Labels, [ownerLabel]: '' } },
      query: { container, repo: loading.slice(0, colon), tag: loading.slice(colon + 1), ...sent },
    })
    if (answer.status >= 300) throw new Refusal(answer.status, presentError(call.ns, messageOf(answer.text), { term: call.query.container!, id: container }))
    const { Id: image } = parseAnswer(answer.text) as { Id: string }
    await keepNew(call as Call, image, target)
    return image
  })
}

/** Without a config of the client's the engine takes the container's, whose variables the changes may use. */
async function configOf(call: CommitCall, container: string): Promise<Commit & { Image?: string }> {
  if (Object.keys(call.body).length > 0) return call.body
  return (await call.ask({ method: 'GET', path: at`/containers/${container}/json` })).Config
}

import { endpoint, type Call, type Endpoint } from '../lib/endpoint.ts'
import { at } from '../lib/engine-path.ts'
import { nameImage, adoptImage, noteTagged } from '../lib/images/adopt.ts'
import { announceTag } from '../lib/images/events.ts'
import { targetReference } from '../lib/images/names.ts'
import { platformJson } from '../lib/images/platform.ts'
import { presentHistory, presentInspect } from '../lib/images/present.ts'
import { visibleImages } from '../lib/images/table.ts'
import { compareVersions } from '../lib/go.ts'
import { missing } from '../lib/missing.ts'
import { permitRegistry } from '../lib/policy.ts'
import { text } from '../lib/query.ts'
import { familiar, parseReference, storedReference, withDefaultTag } from '../lib/reference.ts'
import { Refusal } from '../lib/refusal.ts'
import { registryCredentials } from './distribution.ts'
import { imageCommit } from './image-commit.ts'
import { imageCreate } from './image-create.ts'
import { imageList } from './image-list.ts'
import { imageLoad } from './image-load.ts'
import { imagePush } from './image-push.ts'
import { imagePrune, imageRemove } from './image-remove.ts'
import { imageGet, imageGetAll } from './image-save.ts'

/** Endpoints on images (Engine API, tag Image; engine-api.md A.3). */
export const images: readonly Endpoint[] = [
  imageList,
  imageCreate,
  imageLoad,
  imagePrune,
  endpoint({
    name: 'ImageSearch', route: 'GET /images/search', query: { term: text, limit: text, filters: text },
    plan(call) {
      refuseSearch(call)
      return { path: at`/images/search`, query: call.query, headers: registryCredentials(call as Call) }
    },
  }),
  imageGetAll,
  imageGet,
  imagePush,
  endpoint({
    name: 'ImageInspect', route: 'GET /images/:name{.+}/json', query: { platform: platformJson },
    answer: async (call) => ({ status: 200, body: await inspect(call) }),
  }),
  endpoint({
    name: 'ImageHistory', route: 'GET /images/:name{.+}/history', owns: 'image', query: { platform: platformJson },
    async answer(call) {
      const history = await ofPlatform(call, call.id, 'history')
      return { status: 200, body: presentHistory(history, await visibleImages(call.store, call.host, call.ns)) }
    },
  }),
  endpoint({
    name: 'ImageTag', route: 'POST /images/:name{.+}/tag', query: { repo: text, tag: text },
    answer: tag,
  }),
  imageRemove,
  imageCommit,
]

type Platformed = Call<{ platform: string | undefined }>

async function inspect(call: Platformed): Promise<unknown> {
  const { id } = await call.resolve.image(call.term).catch((error) => { throw asInspectSays(call, error) })
  const [table, facts] = await Promise.all([visibleImages(call.store, call.host, call.ns), call.host.image(id, call.version)])
  const image = table.get(id)
  if (facts === undefined || image === undefined) throw asInspectSays(call, missing.image(familiar(withDefaultTag(parseReference(call.term)))))
  const asked = call.query.platform === undefined ? facts : await ofPlatform(call, id, 'json')
  return presentInspect(asked, image, { isVisible: (other) => table.has(other) }, call.host.facts())
}

/** What the engine says of an image for the platform asked for, with a complaint in the job's words. */
async function ofPlatform(call: Platformed, id: string, what: 'json' | 'history'): Promise<any> {
  return call.ask({ method: 'GET', path: at`/images/${id}/${what}`, query: call.query }).catch((error) => {
    throw error instanceof Refusal ? new Refusal(error.status, error.message.replaceAll(id, call.term)) : error
  })
}

/** Engine 20.10 says it twice. */
function asInspectSays(call: Call, error: unknown): unknown {
  const twice = error instanceof Refusal && error.status === 404 && compareVersions(call.host.facts().apiVersion, '1.42') < 0
  return twice ? new Refusal(404, `no such image: ${call.term}: ${error.message}`) : error
}

async function tag(call: Call<{ repo: string | undefined; tag: string | undefined }>) {
  const complaint = compareVersions(call.host.facts().apiVersion, '1.42') < 0 ? undefined : 'cannot import digest reference'
  const target = targetReference(call.query.repo, call.query.tag, complaint)
  const { id } = await call.resolve.image(call.term)
  if (target === undefined) return { status: 200 }
  // Before anything is taken: some names cannot be stored.
  storedReference(call.ns, target)
  await adoptImage(call as Call, id)
  await nameImage(call as Call, id, target)
  await noteTagged(call as Call, id, call.now)
  await announceTag(call as Call, id, target)
  return { status: 201 }
}

/** The engine asks the registry that the term names, the Docker Hub for plain words. */
function refuseSearch({ query, policy }: Call<{ term: string | undefined }>): void {
  const [first, rest] = (query.term ?? '').split('/', 2)
  const host = rest !== undefined && (/[.:]/.test(first!) || first === 'localhost') ? first! : 'docker.io'
  permitRegistry(policy, host, { field: 'term', why: `the policy does not allow the registry ${host}`, instead: 'search one that it allows' })
}

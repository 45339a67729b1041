import { endpoint, type Call } from '../lib/endpoint.ts'
import { namedBy } from '../lib/images/names.ts'
import { platformJson } from '../lib/images/platform.ts'
import { progressReply } from '../lib/images/progress.ts'
import { push, type Push } from '../lib/images/push.ts'
import { text } from '../lib/query.ts'
import { parseReference, type Reference } from '../lib/reference.ts'
import { Refusal } from '../lib/refusal.ts'
import { registryCredentials, requireRegistry } from './distribution.ts'

type PushCall = Call<{ tag: string | undefined; platform: string | undefined }>

/** `POST /images/{name}/push` (Engine API, ImagePush; engine-api.md E.4). Without a tag every tag of the repository is pushed. */
export const imagePush = endpoint({
  name: 'ImagePush', route: 'POST /images/:name{.+}/push', query: { tag: text, platform: platformJson },
  answer(call) {
    const wanted = wantedPush(call)
    return progressReply(call as Call, (progress) => push(call as Call, wanted, progress))
  },
})

function wantedPush(call: PushCall): Push {
  const reference = named(call.term, call.query.tag)
  requireRegistry(call, reference)
  // Engines before API 1.42 want credentials in any case; these are none.
  return { reference, platform: call.query.platform, headers: { 'x-registry-auth': 'e30=', ...registryCredentials(call) } }
}

function named(name: string, tag: string | undefined): Reference {
  if (!tag) return parseReference(name)
  if (tag.includes(':')) throw new Refusal(400, 'invalid tag format')
  return namedBy(name, tag)
}

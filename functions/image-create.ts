import { endpoint, type Call } from '../lib/endpoint.ts'
import { importImage, wantedImport } from '../lib/images/import.ts'
import { namedBy } from '../lib/images/names.ts'
import { platformName } from '../lib/images/platform.ts'
import { progressReply } from '../lib/images/progress.ts'
import { pull, type Pull } from '../lib/images/pull.ts'
import { text, texts } from '../lib/query.ts'
import { familiarName } from '../lib/reference.ts'
import { forbidden, Refusal } from '../lib/refusal.ts'
import { registryCredentials, requireRegistry } from './distribution.ts'

const query = { fromImage: text, fromSrc: text, repo: text, tag: text, message: text, changes: texts, platform: platformName }

/** `POST /images/create` (Engine API, ImageCreate; engine-api.md B.10): a pull, or the import of the request's body. */
export const imageCreate = endpoint({
  name: 'ImageCreate', route: 'POST /images/create', query,
  answer(call) {
    const { fromImage, fromSrc } = call.query
    if (fromImage) {
      const wanted = wantedPull(call as Call, fromImage, call.query.tag, call.query.platform)
      return progressReply(call as Call, (progress) => pull(call as Call, wanted, progress))
    }
    if (fromSrc === '-') {
      const wanted = wantedImport(call as Call, call.query)
      return progressReply(call as Call, (progress) => importImage(call as Call, wanted, progress))
    }
    throw fromSrc ? refusedSource(fromSrc) : new Refusal(400, 'invalid reference format')
  },
})

function refusedSource(source: string): Refusal {
  return forbidden({
    field: `fromSrc=${source}`, why: 'the engine would fetch the address from its own network, where a job has no business',
    instead: 'download it in the job and send it as the body with fromSrc=- (docker import - NAME)',
  })
}

function wantedPull(call: Call, name: string, tag: string | undefined, platform: string | undefined): Pull {
  const reference = namedBy(name, tag)
  if (familiarName(reference) === 'scratch') throw new Refusal(403, "'scratch' is a reserved name")
  requireRegistry(call, reference)
  return { reference, platform, headers: registryCredentials(call) }
}

import { endpoint, type Call, type Reply } from '../lib/endpoint.ts'
import { channel } from '../lib/images/channel.ts'
import { importImage } from '../lib/images/import.ts'
import { namedBy } from '../lib/images/names.ts'
import { pull, type Pull } from '../lib/images/pull.ts'
import { text, texts } from '../lib/query.ts'
import { familiarName, normalised } from '../lib/reference.ts'
import { forbidden, Refusal } from '../lib/refusal.ts'
import { registryCredentials, requireRegistry } from './distribution.ts'

const query = { fromImage: text, fromSrc: text, repo: text, tag: text, message: text, changes: texts, platform: text }

/** `POST /images/create` (Engine API, ImageCreate; engine-api.md B.10): a pull, or the import of the request's body. */
export const imageCreate = endpoint({
  name: 'ImageCreate', route: 'POST /images/create', query,
  answer(call) {
    const { fromImage, fromSrc } = call.query
    if (fromImage) return startPull(call as Call, wantedPull(call as Call, fromImage, call.query.tag, call.query.platform))
    if (fromSrc === '-') return importImage(call as Call, call.query)
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

/** Progress lines kept for a client that does not read them; states of layers beyond that are left out. */
const unread = 1000

/** Answers when the engine has accepted the pull; the pull itself goes on whether its lines are read or not. */
async function startPull(call: Call, wanted: Pull): Promise<Reply> {
  const lines = channel<any>({ limit: unread, droppable: (line) => line?.progressDetail !== undefined })
  let accepted = false
  await new Promise<void>((resolve, reject) => {
    const progress = { started() { accepted = true; resolve() }, line: lines.push }
    call.host.exclusively(`reference:${normalised(wanted.reference)}`, () => pull(call, wanted, progress))
      .catch((error) => {
        if (!accepted) return reject(error)
        if (!(error instanceof Refusal)) throw error
        lines.push({ errorDetail: { message: error.message }, error: error.message })
      })
      .then(() => { lines.end(); resolve() }, (error) => { lines.end(error); reject(error) })
  })
  return { status: 200, lines: lines.values }
}

import { endpoint, type Call } from '../lib/endpoint.ts'
import { loadImages } from '../lib/images/load.ts'
import { platformJson } from '../lib/images/platform.ts'
import { progressReply } from '../lib/images/progress.ts'
import { optionalFlag } from '../lib/query.ts'

/** `POST /images/load` (Engine API, ImageLoad). */
export const imageLoad = endpoint({
  name: 'ImageLoad', route: 'POST /images/load', query: { quiet: optionalFlag, platform: platformJson },
  answer: (call) => progressReply(call as Call, (progress) => loadImages(call as Call, call.query, progress)),
})

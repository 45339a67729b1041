import { endpoint, type Call } from '../lib/endpoint.ts'
import { platformJson } from '../lib/images/platform.ts'
import { saveImages } from '../lib/images/save.ts'
import { texts } from '../lib/query.ts'

/** `GET /images/{name}/get` (Engine API, ImageGet). */
export const imageGet = endpoint({
  name: 'ImageGet', route: 'GET /images/:name{.+}/get', query: { platform: platformJson },
  answer: (call) => saveImages(call as Call, [call.term], call.query.platform),
})

/** `GET /images/get?names=` (Engine API, ImageGetAll). */
export const imageGetAll = endpoint({
  name: 'ImageGetAll', route: 'GET /images/get', query: { names: texts, platform: platformJson },
  answer: (call) => saveImages(call as Call, call.query.names, call.query.platform),
})

import { sessionHeaders } from '../lib/buildkit/session.ts'
import { endpoint, type Call, type Endpoint } from '../lib/endpoint.ts'
import { Refusal } from '../lib/refusal.ts'
import { buildkitService } from './buildkit.ts'

/** Endpoints on builds (Engine API, tags Image and Session; engine-api.md A.4). */
export const build: readonly Endpoint[] = [
  unserved('ImageBuild', 'POST /build', 'building images', 'build where you have an engine of your own and pull or load the image here'),
  unserved('BuildCancel', 'POST /build/cancel', 'building images', 'there is no build to cancel'),
  // Nothing has been built here, so nothing is cached: clients that prune everything go on.
  endpoint({ name: 'BuildPrune', route: 'POST /build/prune', answer: () => ({ status: 200, body: { CachesDeleted: null, SpaceReclaimed: 0 } }) }),
  endpoint({
    name: 'Session', route: 'POST /session', travels: 'hijack',
    plan: (call) => ({ path: '/session', upgrade: 'h2c', headers: sessionHeaders(call) }),
  }),
  endpoint({
    name: 'Grpc', route: 'POST /grpc',
    serves(call, channel) { return buildkitService(call as Call, channel) },
  }),
]

function unserved(name: string, route: Endpoint['route'], what: string, instead: string): Endpoint {
  return endpoint({ name, route, answer: () => { throw new Refusal(501, `this gateway does not serve ${what} yet; ${instead}`) } })
}

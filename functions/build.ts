import { sessionHeaders } from '../lib/buildkit/session.ts'
import { endpoint, type Call, type Endpoint } from '../lib/endpoint.ts'
import { at } from '../lib/engine-path.ts'
import { Refusal } from '../lib/refusal.ts'
import { buildkitService } from './buildkit.ts'
import { buildCancel, imageBuild } from './image-build.ts'

/** Endpoints on builds (Engine API, tags Image and Session; engine-api.md A.4). */
export const build: readonly Endpoint[] = [
  imageBuild,
  buildCancel,
  // Nothing has been built here, so nothing is cached: clients that prune everything go on.
  endpoint({ name: 'BuildPrune', route: 'POST /build/prune', answer: () => ({ status: 200, body: { CachesDeleted: null, SpaceReclaimed: 0 } }) }),
  endpoint({
    name: 'Session', route: 'POST /session', travels: 'hijack',
    plan(call) {
      requireUpgrade(call.connection.header('upgrade'))
      return { path: at`/session`, upgrade: 'h2c', headers: sessionHeaders(call) }
    },
  }),
  endpoint({
    name: 'Grpc', route: 'POST /grpc',
    serves(call, channel) { return buildkitService(call as Call, channel, { onRefusal: call.refused }) },
  }),
]

/** The engine's words (moby/buildkit, session/grpchijack; moby, api/server/backend/build). */
function requireUpgrade(protocol: string | undefined): void {
  if (protocol === undefined) throw new Refusal(400, 'no upgrade proto in request')
  if (protocol !== 'h2c') throw new Refusal(400, `protocol ${protocol} not supported`)
}

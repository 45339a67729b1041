import { endpoint, type Call, type Endpoint } from '../lib/endpoint.ts'

/** Headers of `_ping` beyond those of every answer (engine-api.md D.5). */
const pingHeaders = {
  'Builder-Version': '2', Swarm: 'inactive', 'Cache-Control': 'no-cache, no-store, must-revalidate', Pragma: 'no-cache',
  'Content-Type': 'text/plain; charset=utf-8',
}

/** Endpoints on the engine itself (Engine API, tag System; engine-api.md A.1). */
export const system: readonly Endpoint[] = [
  endpoint({ name: 'SystemPing', route: 'GET /_ping', answer: () => ({ status: 200, body: 'OK', headers: pingHeaders }) }),
  endpoint({ name: 'SystemPingHead', route: 'HEAD /_ping', answer: () => ({ status: 200, headers: { ...pingHeaders, 'Content-Length': '0' } }) }),
  endpoint({
    name: 'SystemVersion', route: 'GET /version',
    answer({ host }: Call) {
      const { version, apiVersion, minApiVersion } = host.facts()
      return { status: 200, body: { ...version, ApiVersion: apiVersion, MinAPIVersion: minApiVersion } }
    },
  }),
]

/** The body of `POST /networks/{id}/connect` (Engine API, NetworkConnect). */
import { anything, drop, type ReadBy, rewrite, struct, text } from '../schema.ts'
import { endpointSettings } from './endpoint-settings.ts'

export const networkConnect = struct('network.ConnectOptions', {
  Container: rewrite(text),
  EndpointConfig: rewrite(endpointSettings),
  // The network, which docker-java sends in the body as well as in the path.
  networkId: drop(anything),
})

export type NetworkConnect = ReadBy<typeof networkConnect>

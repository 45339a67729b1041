/** The body of `POST /networks/{id}/disconnect` (Engine API, NetworkDisconnect). */
import { anything, drop, flag, pass, type ReadBy, rewrite, struct, text } from '../schema.ts'

export const networkDisconnect = struct('network.DisconnectOptions', {
  Container: rewrite(text),
  Force: pass(flag),
  // The network, which docker-java sends in the body as well as in the path.
  networkId: drop(anything),
})

export type NetworkDisconnect = ReadBy<typeof networkDisconnect>

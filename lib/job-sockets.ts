import type { Call } from './endpoint.ts'
import type { Host } from './engine.ts'
import { Refusal } from './refusal.ts'
import { hostPathRefusal, isDockerSocket } from './schemas/binds.ts'
import { cleanPath } from './schemas/paths.ts'

/**
 * What a container gets that wants the docker socket (Testcontainers' Ryuk, tools that run in containers): the API of its own namespace,
 * on a socket that the gateway serves, never the engine's.
 */
export interface JobSockets {
  /** Is the namespace itself served at this path, beside its job? */
  isOwn(ns: string, path: string): boolean
  /** Path on the host of a socket that serves the namespace; undefined when gateway and host share no directory. */
  path(host: Host, ns: string): Promise<string | undefined>
}

/** A bind of a socket as the engine gets it: read-only, so that its owner and mode stay, which connecting does not need. */
export interface SocketMount {
  Type: 'bind'
  Source: string
  Target: string
  ReadOnly: true
}

/** Throws 403 when the source is no docker socket, and when there is none of the namespace's own on the host. */
export async function socketMount(call: Call, source: string, target: string, at: string): Promise<SocketMount> {
  if (!isDockerSocket(source) && !call.jobSockets.isOwn(call.ns, cleanPath(source))) throw hostPathRefusal(source, at)
  const own = await call.jobSockets.path(call.host, call.ns)
  if (own !== undefined) return { Type: 'bind', Source: own, Target: target, ReadOnly: true }
  throw new Refusal(403, `${at}: the docker socket cannot be bound here: it would become one of the namespace's own, for which the operator has to set jobSockets `
    + 'to a directory that the gateway shares with the engine; until then run the client beside the containers with DOCKER_HOST, or switch off what wants the socket '
    + '(TESTCONTAINERS_RYUK_DISABLED=true; closing the namespace cleans up too)', at)
}

import type { Duplex } from 'node:stream'
import type { GrpcService } from '../../lib/grpc.ts'
import { Refusal } from '../../lib/refusal.ts'
import { budget, messageLimit } from './frames.ts'
import { serveGrpc, type Allowance, type GrpcServing, type OnDefect } from './serve.ts'
import { narrow, wide } from './windows.ts'

/** gRPC connections of one namespace at one time; a build has one or two, and a bake of many targets the same. */
const maxConnections = 96

/** Those that have a wide window. */
const wideConnections = 8

/** What one namespace's connections may have together: calls, of which a build has about five, and bytes. */
const allowance = (): Allowance => ({ calls: budget(768), held: budget(2 * messageLimit + 1024), unsent: budget(2 * messageLimit + 1024) })

/** Where clients' gRPC connections come in: counts what each namespace has open and holds. */
export interface GrpcDoor {
  /** Takes a place for a connection of the namespace. Throws `Refusal` 429 when it has too many. */
  enter(ns: string): GrpcPlace
  /** Ends every connection as soon as no call is open on it. */
  end(): void
}

export interface GrpcPlace {
  serve(socket: Duplex, service: GrpcService): GrpcServing
  leave(): void
}

/** `onDefect` hears what was thrown in calls that is no answer. */
export function grpcDoor(onDefect: OnDefect): GrpcDoor {
  const inside = new Map<string, Allowance & { connections: number }>()
  const servings = new Set<GrpcServing>()
  return {
    enter(ns) {
      const room = inside.get(ns) ?? { connections: 0, ...allowance() }
      if (room.connections >= maxConnections) throw new Refusal(429, `this namespace has ${maxConnections} connections to BuildKit already; let some of its builds end first`)
      inside.set(ns, room)
      const window = ++room.connections <= wideConnections ? wide : narrow
      return {
        serve(socket, service) {
          const serving = serveGrpc(socket, service, room, onDefect, window)
          servings.add(serving)
          void serving.ended.then(() => servings.delete(serving))
          return serving
        },
        leave() {
          room.connections--
          if (room.connections === 0) inside.delete(ns)
        },
      }
    },
    end() { for (const serving of servings) serving.endWhenIdle() },
  }
}

import type { Duplex } from 'node:stream'
import type { GrpcService } from '../../lib/grpc.ts'
import { Refusal } from '../../lib/refusal.ts'
import { budget, messageLimit, type Budget } from './frames.ts'
import { serveGrpc, type GrpcServing, type OnDefect } from './serve.ts'

/** gRPC connections of one namespace at one time; a build has one or two. */
const maxConnections = 256

/** Bytes of messages that one namespace's connections may hold together. */
const maxHeld = 8 * messageLimit

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
  const inside = new Map<string, { connections: number; held: Budget }>()
  const servings = new Set<GrpcServing>()
  return {
    enter(ns) {
      const room = inside.get(ns) ?? { connections: 0, held: budget(maxHeld) }
      if (room.connections >= maxConnections) throw new Refusal(429, `this namespace has ${maxConnections} connections to BuildKit already; let some of its builds end first`)
      inside.set(ns, room)
      room.connections++
      return {
        serve(socket, service) {
          const serving = serveGrpc(socket, service, room.held, onDefect)
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

import { create } from '@bufbuild/protobuf'
import { beginSession } from './at-once.ts'
import { readAnswer, readRequest, write } from './messages.ts'
import type { Method } from './method.ts'
import { BytesMessageSchema } from './proto/control_pb.ts'
import { sessionMetadata } from './session.ts'

/** `Control/Session`: a session carried in messages instead of a connection of its own, as bake and compose do for shared contexts. */
export function tunnel(name: string, does: string): Method {
  return {
    name, verdict: 'mediate', does,
    async *serve({ method, metadata, requests, signal }, { call, channel, scope }) {
      const own = sessionMetadata(scope.ns, (key) => metadata[key] ?? [])
      const end = beginSession(call)
      try {
        for await (const bytes of channel.call({ method, metadata: own, signal, requests: rewrapped(requests) })) {
          yield write(BytesMessageSchema, readAnswer(BytesMessageSchema, bytes))
        }
      } finally {
        end()
      }
    },
  }
}

async function* rewrapped(requests: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const bytes of requests) {
    const { data } = readRequest(BytesMessageSchema, bytes)
    yield write(BytesMessageSchema, create(BytesMessageSchema, { data }))
  }
}

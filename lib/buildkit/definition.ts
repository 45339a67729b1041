import { fromBinary } from '@bufbuild/protobuf'
import { codes, GrpcError } from '../grpc.ts'
import { digestOf } from './digest.ts'
import { readRequest } from './messages.ts'
import { encodeOp } from './op.ts'
import { OpSchema, type Definition, type Op } from './proto/ops_pb.ts'

/** Operations of one definition; a Dockerfile of a thousand lines makes some thousands. */
const maxOps = 50_000

/** Operations in a row, each fed by the next. */
const maxDepth = 5_000

/**
 * Rewrites every operation of an LLB definition and links them anew: operations name their inputs by digest, so that what is above a
 * changed one changes too. Each is encoded again even when nothing was rewritten, so that what was judged is what the engine reads.
 * `strict` refuses fields the gateway does not know; without, they are left out. Throws a GrpcError for definitions that make no sense.
 */
export async function rewriteDefinition(definition: Definition, rewrite: (op: Op) => void, { strict }: { strict: boolean }): Promise<void> {
  if (definition.def.length > maxOps) throw invalid(`it has ${definition.def.length} operations, more than ${maxOps}`)
  const bytes = new Map<string, Uint8Array>()
  for (const op of definition.def) bytes.set(await digestOf(op), op)
  const changed = new Map<string, string>()
  const written: Uint8Array[] = []

  async function write(digest: string, depth: number): Promise<string> {
    const done = changed.get(digest)
    if (done === '') throw invalid('its operations feed each other in a circle')
    if (done !== undefined) return done
    const encoded = bytes.get(digest)
    if (encoded === undefined) throw invalid(`the operation ${digest} is missing`)
    if (depth > maxDepth) throw invalid(`its operations are nested more than ${maxDepth} deep`)
    changed.set(digest, '')
    const op = strict ? readRequest(OpSchema, encoded) : fromBinary(OpSchema, encoded, { readUnknownFields: false })
    for (const input of op.inputs) input.digest = await write(input.digest, depth + 1)
    rewrite(op)
    const again = encodeOp(op)
    const name = await digestOf(again)
    changed.set(digest, name)
    written.push(again)
    return name
  }

  // The last one is the result; what it does not need would not be looked at by anybody.
  const last = definition.def.at(-1)
  if (last !== undefined) await write(await digestOf(last), 0)
  definition.def = written
  definition.metadata = renamed(definition.metadata, changed)
  if (definition.Source) definition.Source.locations = renamed(definition.Source.locations, changed)
}

function renamed<T>(map: Record<string, T>, changed: ReadonlyMap<string, string>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).flatMap(([digest, value]) => changed.has(digest) ? [[changed.get(digest)!, value]] : []))
}


function invalid(why: string): GrpcError {
  return new GrpcError(codes.invalidArgument, `invalid LLB definition: ${why}`)
}

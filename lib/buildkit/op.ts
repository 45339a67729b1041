import { create, toBinary } from '@bufbuild/protobuf'
import { OpSchema, type Op } from './proto/ops_pb.ts'

/**
 * An LLB operation as Go's encoder writes it, with the choice of operation last and maps in order. BuildKit writes each operation again and
 * goes by the digest of that: what is said of an operation elsewhere (its place in the Dockerfile) is found only when both agree.
 */
export function encodeOp({ op, ...rest }: Op): Uint8Array {
  if (op.case === 'source') op.value.attrs = Object.fromEntries(Object.entries(op.value.attrs).toSorted(([a], [b]) => a < b ? -1 : 1))
  const [before, choice] = [toBinary(OpSchema, { ...rest, op: { case: undefined } }), toBinary(OpSchema, create(OpSchema, { op }))]
  const bytes = new Uint8Array(before.length + choice.length)
  bytes.set(before)
  bytes.set(choice, before.length)
  return bytes
}

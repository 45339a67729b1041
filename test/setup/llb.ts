import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { digestOf } from '../../lib/buildkit/digest.ts'
import { encodeOp } from '../../lib/buildkit/op.ts'
import { DefinitionSchema, InputSchema, OpMetadataSchema, OpSchema, type Definition } from '../../lib/buildkit/proto/ops_pb.ts'

type OpInit = MessageInitShape<typeof OpSchema>

/** LLB of operations in a row, each with the one before as its first input. */
export async function llb(...ops: OpInit[]): Promise<Definition> {
  const def: Uint8Array[] = []
  const digests: string[] = []
  for (const op of [...ops, {}]) {
    const before = digests.at(-1)
    const inputs = before === undefined ? [] : [create(InputSchema, { digest: before })]
    const bytes = encodeOp(create(OpSchema, { ...op, inputs } as OpInit))
    def.push(bytes)
    digests.push(await digestOf(bytes))
  }
  // BuildKit takes definitions without metadata for absent ones.
  return create(DefinitionSchema, { def, metadata: Object.fromEntries(digests.map((digest) => [digest, create(OpMetadataSchema)])) })
}

/** LLB of a folder with one file. */
export function fileLlb(path: string, text: string): Promise<Definition> {
  return llb({ op: { case: 'file', value: { actions: [{ input: -1n, secondaryInput: -1n, output: 0n, action: { case: 'mkfile', value: { path, mode: 0o644, data: new TextEncoder().encode(text), timestamp: -1n } } }] } } })
}

/** A RUN step on an image. `more`: fields of the ExecOp. */
export function runLlb(image: string, args: string[], more: object = {}, meta: object = {}): Promise<Definition> {
  return llb(
    { op: { case: 'source', value: { identifier: `docker-image://${image}` } }, platform: { OS: 'linux', Architecture: 'amd64' } },
    { op: { case: 'exec', value: { meta: { args, cwd: '/', env: ['PATH=/bin'], ...meta }, mounts: [{ input: 0n, dest: '/', output: 0n }], ...more } }, platform: { OS: 'linux', Architecture: 'amd64' } },
  )
}

import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { Bridge } from './bridge.ts'
import { digestOf } from './digest.ts'
import { encodeOp } from './op.ts'
import { ReadFileRequestSchema, SolveRequestSchema, StatFileRequestSchema, type SolveRequest } from './proto/gateway_pb.ts'
import { DefinitionSchema, OpMetadataSchema, OpSchema, type Definition, type FileActionSchema } from './proto/ops_pb.ts'

const ignoreFile = '.dockerignore'
const upload = /^http:\/\/buildkit-session\//

/**
 * Unpacks the context that was sent with a classic build, as the frontend would, and leaves out of it what the classic builder leaves out: the
 * Dockerfile and `.dockerignore`, where the latter names them (moby, builder/remotecontext/detect.go removeDockerfile). Clients send both
 * whatever is ignored, and all else that they ignore they do not send. The Dockerfile itself is read from the whole.
 */
export async function openContext(request: SolveRequest, bridge: Bridge): Promise<void> {
  const { FrontendOpt: options, FrontendInputs: inputs } = request
  const { context, filename } = options
  if (context === undefined || !upload.test(context)) return
  // The upload is there once: everybody has to take it from here.
  delete options.context
  const source: Operation = { op: { case: 'source', value: { identifier: context, attrs: { 'http.filename': 'context' } } } }
  const whole = [source, copied({ src: '/context', attemptUnpackDockerCompatibility: true })]
  inputs.dockerfile = await definition(whole)
  const left = await ignored(bridge, whole, inputs.dockerfile, filename === undefined ? ['Dockerfile', 'dockerfile'] : [filename])
  inputs.context = left.length === 0 ? inputs.dockerfile : await definition([...whole, ...left.map(removed)])
}

/** Which of these files, and of `.dockerignore` itself, the context's `.dockerignore` names. BuildKit tells: it reads patterns as the classic builder does. */
async function ignored(bridge: Bridge, whole: readonly Operation[], context: Definition, files: readonly string[]): Promise<string[]> {
  const all = await resultOf(bridge, context)
  const patterns = patternsIn(await bridge.readFile(create(ReadFileRequestSchema, { Ref: all, FilePath: ignoreFile })).then(({ Data }) => Data, () => new Uint8Array()))
  if (patterns.length === 0) return []
  const names = [ignoreFile, ...files]
  const kept = await resultOf(bridge, await definition([...whole, copied({ includePatterns: names, excludePatterns: patterns })]))
  const has = (Ref: string, Path: string) => bridge.statFile(create(StatFileRequestSchema, { Ref, Path })).then(() => true, () => false)
  // What cannot be told stays: patterns that are none.
  if (await has(kept, '/') === false) return []
  const left = await Promise.all(names.map(async (name) => await has(all, name) && !await has(kept, name)))
  return names.filter((_, at) => left[at])
}

/** moby/patternmatcher, ignorefile. */
function patternsIn(content: Uint8Array): string[] {
  return new TextDecoder().decode(content).split('\n').filter((line) => !line.startsWith('#')).map((line) => {
    const [, not = '', pattern = ''] = /^\s*(!?)\s*(?:\.?\/)*(.*?)\s*$/.exec(line)!
    return pattern === '' ? '' : not + pattern
  }).filter((pattern) => pattern !== '')
}

async function resultOf(bridge: Bridge, Definition: Definition): Promise<string> {
  const { result } = await bridge.solve(create(SolveRequestSchema, { Definition, allowResultReturn: true, allowResultArrayRef: true }))
  const one = result?.result
  return one?.case === 'ref' ? one.value.id : ''
}

type Operation = MessageInitShape<typeof OpSchema>
type Action = MessageInitShape<typeof FileActionSchema>
type Copy = Extract<NonNullable<Action['action']>, { case: 'copy' }>['value']

/** A folder with what is copied of the one before. */
function copied(what: Copy): Operation {
  return file({ input: -1n, secondaryInput: 0n, action: { case: 'copy', value: { src: '/', dest: '/', mode: -1, timestamp: -1n, dirCopyContents: true, ...what } } })
}

function removed(path: string): Operation {
  return file({ input: 0n, secondaryInput: -1n, action: { case: 'rm', value: { path: `/${path}` } } })
}

function file(action: Action): Operation {
  return { op: { case: 'file', value: { actions: [{ output: 0n, ...action }] } } }
}

/** Operations in a row, each on the result of the one before. */
async function definition(operations: readonly Operation[]): Promise<Definition> {
  const def: Uint8Array[] = []
  const digests: string[] = []
  for (const operation of [...operations, {}]) {
    const encoded = encodeOp(create(OpSchema, { ...operation, inputs: digests.slice(-1).map((digest) => ({ digest, index: 0n })) } as Operation))
    def.push(encoded)
    digests.push(await digestOf(encoded))
  }
  return create(DefinitionSchema, { def, metadata: Object.fromEntries(digests.map((digest) => [digest, create(OpMetadataSchema)])) })
}

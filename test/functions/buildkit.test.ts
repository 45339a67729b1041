import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { buildkitMethods } from '../../functions/buildkit.ts'
import { just } from '../../lib/buildkit/bridge.ts'
import { write } from '../../lib/buildkit/messages.ts'
import { SolveRequestSchema, SolveResponseSchema, StatusRequestSchema, StatusResponseSchema } from '../../lib/buildkit/proto/control_pb.ts'
import { GrpcError } from '../../lib/grpc.ts'
import { dockerfile } from '../setup/build-context.ts'
import { docker } from '../setup/cli.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { buildId, control, grpcClient, solver, type GrpcClient } from '../setup/grpc-client.ts'
import { fileLlb, runLlb } from '../setup/llb.ts'
import { sharedEngine } from '../setup/shared-engine.ts'


const directory = mkdtempSync(join(tmpdir(), 'moorage-grpc-'))
let gateway: Gateway
let namespace: Namespace
let client: GrpcClient

before(async () => {
  const engine = await sharedEngine('28.5')
  gateway = await startGateway({ engineSocket: engine.socket, config: { images: { shared: ['busybox:latest'] } } })
  namespace = await gateway.open('--unix', join(directory, 'sock'))
  client = await grpcClient(join(directory, 'sock'))
})
after(async () => {
  client.close()
  await gateway.stop()
  rmSync(directory, { recursive: true })
})

const solve = solver(() => client)
const exported = (name: string) => [{ Type: 'moby', Attrs: { name } }]

test('every method of the table says what becomes of it', () => {
  for (const { name, does } of buildkitMethods) assert.ok(/^[\w.]+\/\w+$/.test(name) && does.length > 5, name)
  assert.equal(new Set(buildkitMethods.map(({ name }) => name)).size, buildkitMethods.length)
})

test('a build that names its frontend itself has the namespace\'s images', async () => {
  await docker(namespace.env, ['build', '-q', '-t', 'base', dockerfile('FROM busybox\nRUN echo own > /own')], { timeout: 120_000 })
  const text = 'FROM base\nRUN cat /own > /seen'
  const inputs = { dockerfile: await fileLlb('/Dockerfile', text), context: await fileLlb('/empty', '') }
  const { code, message, answers } = await solve({ Frontend: 'dockerfile.v0', FrontendInputs: inputs, Exporters: exported('direct:1') })
  assert.deepEqual([code, message], [0, ''])
  assert.match(answers[0]!.ExporterResponse['containerimage.digest']!, /^sha256:/)
  assert.equal(await docker(namespace.env, ['run', '--rm', 'direct:1', 'cat', '/seen']), 'own')
})

test('a build that names its frontend fails with the frontend\'s reason', async () => {
  const inputs = { dockerfile: await fileLlb('/Dockerfile', 'FROM busybox\nNONSENSE'), context: await fileLlb('/empty', '') }
  const { code, message } = await solve({ Frontend: 'dockerfile.v0', FrontendInputs: inputs })
  assert.notEqual(code, 0)
  assert.match(message, /unknown instruction: NONSENSE/)
})

test('a build that names its frontend fails with the place in its Dockerfile', async () => {
  const FrontendInputs = { dockerfile: await fileLlb('/Dockerfile', 'FROM busybox\nENV'), context: await fileLlb('/empty', '') }
  const request = write(SolveRequestSchema, create(SolveRequestSchema, { Ref: buildId(), Frontend: 'dockerfile.v0', FrontendInputs }))
  const calling = async () => {
    for await (const _ of client.channel.call({ method: `${control}/Solve`, metadata: {}, requests: just(request), signal: client.channel.closed })) { /* none */ }
  }
  await assert.rejects(calling, (error) => error instanceof GrpcError && /errdefs\.Source\+json/.test(Buffer.from(error.details ?? []).toString('latin1')))
})

test('raw LLB is built in the namespace\'s control group, whatever group it names', async () => {
  const request = { Ref: buildId(), Definition: await runLlb('docker.io/library/busybox:latest', ['cat', '/proc/self/cgroup'], {}, { cgroupParent: '/docker' }) }
  const [{ code, message }, status] = await Promise.all([
    client.ask(`${control}/Solve`, SolveRequestSchema, request, SolveResponseSchema),
    client.ask(`${control}/Status`, StatusRequestSchema, { Ref: request.Ref }, StatusResponseSchema),
  ])
  assert.deepEqual([code, message], [0, ''])
  const log = status.answers.flatMap(({ logs }) => logs.map(({ msg }) => Buffer.from(msg).toString())).join('')
  assert.match(log, /:\/moorage\/[0-9a-f]{12}\/b[0-9a-f]{24}\/buildkit\//)
})

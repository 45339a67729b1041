import { noBuilds } from '../lib/buildkit/engine.ts'
import { refusalIn } from '../lib/buildkit/refusals.ts'
import { buildLines } from '../lib/builds/answer.ts'
import { contextOf, type Context } from '../lib/builds/context.ts'
import { buildQuery, wantedBuild, type Build } from '../lib/builds/order.ts'
import { buildServices } from '../lib/builds/session.ts'
import type { BuildLine } from '../lib/builds/steps.ts'
import { endpoint, type Call, type Reply } from '../lib/endpoint.ts'
import { GrpcError } from '../lib/grpc.ts'
import { text } from '../lib/query.ts'
import { familiar } from '../lib/reference.ts'
import { Refusal } from '../lib/refusal.ts'
import { parseRegistryConfig } from '../lib/schemas/auth.ts'
import { startBuild } from './build-run.ts'

/**
 * `POST /build` (Engine API, ImageBuild), of both builders: the gateway builds with BuildKit on behalf of the namespace and tells it in the
 * words of the one that was asked for. The classic builder itself cannot be kept inside a namespace (buildkit.md 4).
 */
export const imageBuild = endpoint({
  name: 'ImageBuild', route: 'POST /build', query: buildQuery,
  async answer(call) {
    const context = contextOf(call.connection.upload())
    try {
      const cannot = noBuilds(call.host)
      if (cannot !== undefined) throw new Refusal(501, cannot)
      const build = wantedBuild(call)
      if (build.session === undefined) await context.check()
      return await run(call as Call, build, context)
    } catch (error) {
      // A connection that ends with its answer would end in the middle of the client's sending, who then never reads it.
      const drained = context.drain()
      if (/\bclose\b/i.test(call.connection.header('connection') ?? '')) await drained
      throw error
    }
  },
})

async function run(call: Call, build: Build, context: Context): Promise<Reply> {
  const cancelled = new AbortController()
  const key = build.id === undefined ? undefined : `${call.ns}/${build.id}`
  if (key !== undefined) call.host.builds.set(key, cancelled)
  async function* lines(): AsyncGenerator<BuildLine> {
    const signal = AbortSignal.any([call.connection.signal, cancelled.signal])
    try {
      const running = await startBuild(call, {
        options: build.options, names: build.references.map(familiar), cacheFrom: build.cacheFrom, session: build.session, classic: build.version === 1,
        services: buildServices(build.session === undefined ? context : undefined, parseRegistryConfig(call.connection.header('x-registry-config') ?? '') ?? {}),
      }, signal)
      // Told by the lines.
      running.done.catch(() => {})
      yield* buildLines(build, running, (error) => {
        const refusal = refusalIn(error, call.policy)
        if (refusal) call.refused('ImageBuild', refusal)
      })
    } finally {
      cancelled.abort()
      if (key !== undefined && call.host.builds.get(key) === cancelled) call.host.builds.delete(key)
      void context.drain()
    }
  }
  const all = lines()
  // What fails before the first line is the answer.
  const first = await all.next().catch((error) => { throw error instanceof GrpcError ? new Refusal(500, error.message) : error })
  return { status: 200, lines: behind(first, all), lineEnd: '\r\n' }
}

async function* behind(first: IteratorResult<BuildLine>, rest: AsyncGenerator<BuildLine>): AsyncGenerator<BuildLine> {
  try {
    if (first.done) return
    yield first.value
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}

/** `POST /build/cancel` (Engine API, BuildCancel): by the id that the client gave its build; an unknown one is fine. */
export const buildCancel = endpoint({
  name: 'BuildCancel', route: 'POST /build/cancel', query: { id: text },
  answer(call) {
    call.host.builds.get(`${call.ns}/${call.query.id ?? ''}`)?.abort()
    return { status: 200 }
  },
})

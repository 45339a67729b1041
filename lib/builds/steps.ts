import type { StatusResponse, Vertex } from '../buildkit/proto/control_pb.ts'
import { familiar, parseReference } from '../reference.ts'

/** A line of a build's answer (moby, pkg/jsonmessage). */
export interface BuildLine {
  stream?: string
  aux?: unknown
  id?: string
  errorDetail?: { code?: number; message: string }
  error?: string
}

/** Turns progress of BuildKit into the lines of the classic builder, which does one step after the other. */
export interface Steps {
  lines(status: StatusResponse): BuildLine[]
  /** What has been held back, when the build is over. */
  rest(): BuildLine[]
}

interface Step {
  name: string
  cached: boolean
  done: boolean
  failed: boolean
  told: boolean
  /** Its end has been told. */
  over: boolean
  logs: BuildLine[]
}

/** Characters of output held back for steps that run beside the one being told; beyond, they are told at once. */
const heldBack = 1024 * 1024

/** The steps of one build, of which nothing is known yet. */
export function classicSteps(): Steps {
  const steps = new Map<string, Step>()
  const begun: string[] = []
  let [numbered, held] = [0, 0]

  function see(vertex: Vertex): void {
    const name = stepName(vertex.name)
    if (name === undefined) return
    const step = steps.get(vertex.digest) ?? { name, cached: false, done: false, failed: false, told: false, over: false, logs: [] }
    steps.set(vertex.digest, step)
    if (!begun.includes(vertex.digest) && !step.over && (vertex.started || vertex.completed)) begun.push(vertex.digest)
    step.cached ||= vertex.cached
    step.failed ||= vertex.error !== ''
    step.done = vertex.completed !== undefined
  }

  function tell(step: Step): BuildLine[] {
    const head = step.told ? [] : [{ stream: `Step ${++numbered}/${Math.max(steps.size, numbered)} : ${step.name}` }, { stream: '\n' }]
    step.told = true
    const logs = step.logs
    step.logs = []
    return [...head, ...logs]
  }

  function ready(all: boolean): BuildLine[] {
    const lines: BuildLine[] = []
    for (let digest = begun[0]; digest !== undefined; digest = begun[0]) {
      const step = steps.get(digest)!
      lines.push(...tell(step))
      if (!step.done && !all) break
      if (step.done && !step.failed) lines.push(...step.cached && !step.name.startsWith('FROM ') ? [{ stream: ' ---> Using cache\n' }] : [], { stream: ` ---> ${digest.replace(/^sha256:/, '').slice(0, 12)}\n` })
      step.over = true
      begun.shift()
    }
    if (held > heldBack) for (const digest of begun) lines.push(...tell(steps.get(digest)!))
    held = begun.reduce((sum, digest) => sum + steps.get(digest)!.logs.reduce((length, { stream = '' }) => length + stream.length, 0), 0)
    return lines
  }

  return {
    lines({ vertexes, logs }) {
      for (const vertex of vertexes) see(vertex)
      const late: BuildLine[] = []
      for (const { vertex, stream, msg } of logs) {
        const text = new TextDecoder().decode(msg)
        const step = steps.get(vertex)
        const into = step?.over ? late : step?.logs
        into?.push({ stream: Number(stream) === 2 ? `\u001b[91m${text}\u001b[0m` : text })
        held += text.length
      }
      return [...late, ...ready(false)]
    },
    rest: () => ready(true),
  }
}

/**
 * `[2/3] RUN x`, `[stage 2/3] RUN x`: steps of the Dockerfile; what BuildKit does beside them has no number. `FROM x` alone is an image of the
 * namespace (contexts.ts).
 */
function stepName(name: string): string | undefined {
  const instruction = /^\[(?:[^\]]* )?\d+\/\d+\] (.*)$/s.exec(name)?.[1] ?? /^FROM \S+$/.exec(name)?.[0]
  const image = /^FROM (\S+)$/.exec(instruction ?? '')?.[1]
  return image === undefined ? instruction : `FROM ${shownImage(image)}`
}

function shownImage(text: string): string {
  try {
    const { domain, path, tag } = parseReference(text)
    return familiar({ domain, path, ...(tag && { tag }) })
  } catch {
    return text
  }
}

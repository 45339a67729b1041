import type { Outcome } from '../../lib/outcome.ts'
import type { Config } from '../config.ts'

/** What the gateway says of itself, on standard error: sentences for people, or JSON objects with the same sentences in `msg`. */
export interface Log {
  info(line: string, fields?: object): void
  warn(line: string, fields?: object): void
  error(line: string, fields?: object): void
  /** Every call, at level debug. */
  call(outcome: Outcome): void
}

/** In pino's numbers. */
const levels = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, silent: Infinity } as const

/** A log that cannot be written, because its disk is full or its reader has gone, stops nothing. */
export async function openLog({ log: level, logFormat }: Pick<Config, 'log' | 'logFormat'>): Promise<Log> {
  process.stderr.on('error', () => {})
  const write = logFormat === 'json' ? await jsonWriter(level) : textWriter(levels[level])
  return {
    info: (line, fields) => write('info', line, fields),
    warn: (line, fields) => write('warn', line, fields),
    error: (line, fields) => write('error', line, fields),
    call({ endpoint, target, status, took, namespace, refusal }) {
      if (levels[level] > levels.debug) return
      const why = refusal ? `: ${refusal.message}` : ''
      write('debug', `${endpoint}${target && ` ${target}`} ${status} in ${took} ms for ${namespace ?? 'an unknown caller'}${why}`, { endpoint, target, status, took, namespace, field: refusal?.field })
    },
  }
}

type Write = (level: 'debug' | 'info' | 'warn' | 'error', line: string, fields?: object) => void

function textWriter(least: number): Write {
  return (level, line, fields) => {
    if (levels[level] < least) return
    const error = (fields as { error?: unknown } | undefined)?.error
    const more = error instanceof Error ? `\n${error.stack}` : ''
    process.stderr.write(`${withoutControls(line)}${more}\n`)
  }
}

/** Text of jobs must not drive the operator's terminal nor forge a line. */
function withoutControls(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\uFFFD')
}

async function jsonWriter(level: Config['log']): Promise<Write> {
  // Loaded only when it is wanted: the gateway starts faster without it.
  const { pino } = await import('pino')
  const logger = pino({ level, serializers: { error: pino.stdSerializers.err } }, { write: (line: string) => void process.stderr.write(line) })
  return (at, line, fields) => logger[at](fields ?? {}, line)
}

/** `LogConfig`: where a container's output is kept. Only the engine's own files: other drivers dial addresses from the engine's network. */
import { forbidden, Refusal } from '../refusal.ts'
import { allow, struct, text, textMap } from '../schema.ts'
import { parseSize, sizeWords } from './sizes.ts'

const fileOptions = ['max-size', 'max-file', 'compress', 'mode', 'max-buffer-size', 'labels', 'env', 'tag']
const optionsOf: Record<string, string[]> = {
  '': fileOptions,
  'json-file': fileOptions,
  local: ['max-size', 'max-file', 'compress', 'mode', 'max-buffer-size'],
  none: ['mode', 'max-buffer-size'],
}

/** Log drivers of engines that dial out or write elsewhere on their host. */
const foreign = ['awslogs', 'etwlogs', 'fluentd', 'gcplogs', 'gelf', 'journald', 'splunk', 'syslog']

/** Bytes of one log file, files of one container, and bytes of output the engine keeps in its memory. */
const most = { 'max-size': 100 * 1024 ** 2, 'max-file': 1000, 'max-buffer-size': 16 * 1024 ** 2 }

/** Bytes of all log files of one container. */
const mostLogs = 1000 * 1024 ** 2

/** Options that bound what a container can write to the engine's disk. */
const defaultLogOptions = { 'max-size': '100m', 'max-file': '2' } as const

type LogConfig = { Type?: string; Config?: Record<string, string> }

export const logConfig = struct('container.LogConfig', {
  Type: allow(text, (type, at) => {
    if (Object.hasOwn(optionsOf, type)) return
    if (!foreign.includes(type)) throw new Refusal(400, `error looking up logging plugin ${type}: plugin ${JSON.stringify(type)} not found`, at)
    throw forbidden({
      field: at,
      why: `the log driver ${JSON.stringify(type.slice(0, 60))} would send output from the engine's host to another place`,
      instead: 'use json-file, local or none, and read it with docker logs',
    })
  }),
  Config: allow(textMap, () => undefined),
}, { after: checkOptions })

function checkOptions({ Type: type = '', Config: options = {} }: LogConfig, at: string): void {
  const field = `${at}.Config`
  const allowed = optionsOf[type] ?? []
  for (const [name, value] of Object.entries(options)) {
    if (!allowed.includes(name)) {
      throw forbidden({ field, why: `${JSON.stringify(name.slice(0, 60))} is not an option of ${type || 'json-file'} logs here`, instead: `use ${allowed.join(', ')}` })
    }
    if (name === 'tag') checkTag(value, field)
    checkValue(name, value, field)
  }
  const { 'max-size': size, 'max-file': files } = options
  if (size === undefined || files === undefined || sizeOf(size) * Number(files) <= mostLogs) return
  throw forbidden({ field, why: `max-size times max-file must be at most ${sizeWords(mostLogs)}`, instead: 'ask for smaller or fewer files, or write logs to a volume' })
}

/** Texts and what a container is known by. Engines read tags as templates of Go, which tell of the host and can print without end. */
const tagPattern = /^(?:[^{}]|\{\{ ?\.(?:ID|FullID|Name|ImageName|ImageID|ImageFullID|DaemonName) ?\}\})*$/
const longestTag = 1024

function checkTag(tag: string, at: string): void {
  if (tag.length <= longestTag && tagPattern.test(tag)) return
  throw forbidden({
    field: at, why: `the tag ${JSON.stringify(tag.slice(0, 60))} is a template that engines would carry out`,
    instead: 'use text and {{.ID}}, {{.FullID}}, {{.Name}}, {{.ImageName}}, {{.ImageID}}, {{.ImageFullID}} or {{.DaemonName}}',
  })
}

/** Bytes; `-1` is no limit to the engine, which is the most here. */
function sizeOf(size: string): number {
  return size === '-1' ? most['max-size'] : parseSize(size) ?? 0
}

function checkValue(name: string, value: string, at: string): void {
  const limit = Object.hasOwn(most, name) ? most[name as keyof typeof most] : undefined
  if (limit === undefined) return
  // `-1` means no limit to the engine; here it means the most there is.
  const number = value === '-1' && name === 'max-size' ? limit : parseSize(value)
  if (number === undefined) throw new Refusal(400, `${at}: ${name}=${value.slice(0, 60)} is not a size`, at)
  if (number <= limit && number > 0) return
  const words = name === 'max-file' ? String(limit) : sizeWords(limit)
  throw forbidden({ field: at, why: `${name} must be above 0 and at most ${words}`, instead: 'ask for that, or write logs to a volume' })
}

/** The log settings with their bounds filled in; the driver is never left to the engine's own default, which could be any. */
export function boundedLogConfig({ Type: type = '', Config: options = {} }: LogConfig): Required<LogConfig> {
  if (type === 'none') return { Type: type, Config: options }
  const bounded: Record<string, string> = { ...defaultLogOptions, ...options }
  const files = Number(bounded['max-file'])
  if (options['max-size'] === undefined || options['max-size'] === '-1') bounded['max-size'] = files > 10 ? String(Math.floor(mostLogs / files)) : defaultLogOptions['max-size']
  return { Type: type || 'json-file', Config: bounded }
}

import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import * as v from 'valibot'
import { stringify } from 'yaml'
import { auditSchema, type AuditRecord } from '../../lib/audit.ts'
import { asPolicy, suggest, type Suggestion } from '../../lib/suggest.ts'
import { loadConfig } from '../config.ts'
import { exitCodes, Failure } from './failure.ts'
import { addManual, type Manual } from './manual.ts'
import { printable } from './text.ts'

const manual: Manual = {
  about: `\`suggest\` reads an audit stream (moorage serve --audit FILE) and prints, as YAML for the config file, the smallest change of a policy under which
none of its calls would have been refused. A policy with \`mode: observe\` refuses nothing that a policy could allow and reports it there, so that a
project's real jobs write their own policy. What no policy allows is listed on standard error.`,
  exits: { 0: 'done', 1: 'failed', 2: 'wrong usage' },
  examples: ['moorage policy suggest --audit audit.jsonl --policy default --config moorage.yaml'],
}

/** `moorage policy`. */
export function define(command: Command): void {
  addManual(command, manual)
  command.command('suggest').description('print the policy that what was refused would have needed')
    .requiredOption('--audit <FILE>', 'the audit stream; - for standard input')
    .option('--policy <NAME>', 'only calls of namespaces with this policy', 'default')
    .option('--config <FILE>', 'the config file, whose lists are kept and added to')
    .option('--json', 'print JSON: {settings, calls, unliftable}').action(printSuggestion)
}

interface Options {
  audit: string
  policy: string
  config?: string
  json?: true
}

async function printSuggestion({ audit, policy, config, json }: Options): Promise<void> {
  const records: AuditRecord[] = []
  for await (const record of read(audit)) if (record.policy === policy) records.push(record)
  const suggestion = suggest(records)
  if (json) return void process.stdout.write(`${JSON.stringify(suggestion, undefined, 2)}\n`)
  for (const { message, calls } of suggestion.unliftable) process.stderr.write(`No policy allows (${calls}×): ${printable(message)}\n`)
  if (Object.keys(suggestion.settings).length === 0) return void process.stderr.write(`Policy ${policy} needs no change: nothing was refused that a policy could allow\n`)
  process.stdout.write(stringify({ policies: { [policy]: asPolicy(suggestion, presentLists(policy, config)) } }))
  tell(suggestion)
}

function tell({ calls }: Suggestion): void {
  for (const [setting, count] of Object.entries(calls)) process.stderr.write(`${setting}: asked for by ${count} ${count === 1 ? 'call' : 'calls'}\n`)
}

/** What the lists of the policy hold, so that a suggestion adds to them. */
function presentLists(name: string, file: string | undefined): Record<string, readonly string[]> {
  if (file === undefined) return {}
  const policy = loadConfig({ flags: { config: file }, env: {}, readFile: (path) => readFileSync(path, 'utf8') }).policies[name]
  return { capabilities: policy?.capabilities ?? [], registries: policy?.registries ?? [] }
}

async function* read(file: string): AsyncGenerator<AuditRecord> {
  let line = 0
  for await (const text of createInterface({ input: file === '-' ? process.stdin : createReadStream(file) })) {
    line++
    if (text === '') continue
    const parsed = v.safeParse(auditSchema, json(text))
    if (!parsed.success) throw new Failure(`${file}:${line} is no line of an audit stream: ${parsed.issues[0].message}`, exitCodes.usage)
    yield parsed.output
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

import { compareVersions } from './go.ts'
import type { Host } from './engine.ts'
import { Refusal } from './refusal.ts'

/** The first API version whose engines use the words that the gateway's own answers are written in. */
const since = '1.44'

/** How engines before that said the same (Engine 20.10; those between the two were not tried). Where a field is named, only of that. */
const changes: readonly { today: RegExp; before: string; field?: RegExp; status?: number }[] = [
  { today: /^No such container: /, before: 'no such container ', field: /^filters\./, status: 500 },
  { today: /^invalid filter '(status=[^']*)': .*/, before: "Invalid filter '$1'" },
  { today: /^invalid filter 'exited=[^']*': /, before: '' },
  { today: /^invalid filter(?!:)/, before: 'Invalid filter' },
  { today: /^(invalid reference format: repository name) \([^)]*\) must be lowercase/, before: '$1 must be lowercase' },
  { today: /^invalid JSON: got EOF/, before: 'got EOF' },
  { today: /^cannot kill container: .*: invalid signal: /, before: 'Invalid signal: ' },
  { today: /^cannot kill container: /, before: 'Cannot kill container: ' },
  { today: /^cannot (?:dis)?connect container (?:to|from) host network - .*/, before: 'container cannot be disconnected from host network or connected to host network' },
  { today: /^invalid network config:\ninvalid subnet (.*): invalid CIDR block notation/, before: 'Invalid subnet $1 : invalid CIDR address: $1' },
]

/** A complaint that the gateway makes in the engine's place, in the words of the engine that is there. */
export function inWordsOf(host: Host, refusal: Refusal): Refusal {
  const { status, message, field } = refusal
  if (status === 403 || compareVersions(host.facts().apiVersion, since) >= 0) return refusal
  const change = changes.find(({ today, field: only }) => today.test(message) && (only === undefined || only.test(field ?? '')))
  return change === undefined ? refusal : new Refusal(change.status ?? status, message.replace(change.today, change.before), field)
}

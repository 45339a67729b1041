import { shortfalls, type Admission, type Findings, type Shortfall } from '../../lib/admission.ts'
import { at } from '../../lib/engine-path.ts'
import { parseAnswer } from '../../lib/json.ts'
import type { LiveHost } from './host.ts'

/** Milliseconds to wait for a build that the engine may leave without an answer. */
const patience = 3_000

/** Looks for what an engine lacks. What is to be ignored is not looked for. Throws when it does not answer. */
export async function examine(host: LiveHost, admission: Admission): Promise<Shortfall[]> {
  const findings: Findings = { bridge: await bridgeOptions(host), grantsHostNetwork: admission.entitlements !== 'ignore' && await grantsHostNetwork(host) }
  return shortfalls(host.facts(), findings).filter(({ check }) => admission[check] !== 'ignore')
}

async function bridgeOptions(host: LiveHost): Promise<Findings['bridge']> {
  const answer = await host.call({ method: 'GET', path: at`/networks/bridge` })
  // Without docker0 ("bridge": "none") nobody meets on it.
  return answer.status === 200 ? parseAnswer(answer.text).Options ?? {} : { 'com.docker.network.bridge.enable_icc': 'false' }
}

/**
 * No call tells what builds are granted, so one is tried that cannot succeed: on the host's network, its context from a port where nobody listens.
 * An engine that grants the network gets as far as saying so; one that does not never answers (moby, builder/builder-next Build).
 */
async function grantsHostNetwork(host: LiveHost): Promise<boolean> {
  const query = { version: 2, networkmode: 'host', remote: 'http://127.0.0.1:1/' }
  const answer = await host.call({ method: 'POST', path: at`/build`, query }, AbortSignal.timeout(patience)).catch(() => undefined)
  return answer !== undefined && /127\.0\.0\.1:1/.test(answer.text)
}

import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import { rows } from '../../functions/index.ts'
import { assertOwn } from './plan-oracle.ts'
import { plainRequest, requestsTo, type Sent } from './requests.ts'
import { buildTown, secrets, type Town } from './town.ts'

/**
 * For every row: whatever is sent, all that the engine is asked for is the namespace's own and known, and no answer tells anything of the
 * other namespace. MOORAGE_PROPERTY_RUNS sets how many requests each row gets. A failure prints its seed and path.
 */
const numRuns = Number(process.env['MOORAGE_PROPERTY_RUNS'] ?? 25)

let town: Town
before(async () => { town = await buildTown() })

/** What the client itself said, decoded as far as can be. */
function said({ target, headers, body }: Sent): string {
  const text = `${JSON.stringify(headers)}${new TextDecoder().decode(body)}`
  try {
    return `${target}${decodeURIComponent(target)}${text}`
  } catch {
    return `${target}${text}`
  }
}

/** Rows that a gRPC connection is made by are tried with real clients. */
const served = rows.filter((row) => row.serves === undefined)
const askedBy = new Map<string, number>()

describe('every row, whatever it is sent,', () => {
  for (const row of served) {
    it(`${row.name} (${row.route}) asks for what is the namespace's own and tells nothing of another's`, async () => {
      await fc.assert(fc.asyncProperty(requestsTo(row), async (request) => {
        const { text, asked, failures } = await town.ask(request)
        assert.deepEqual(failures, [])
        for (const one of asked) assertOwn(one)
        const own = said(request)
        for (const secret of secrets) if (!own.includes(secret)) assert.ok(!text.includes(secret), `${secret} is told: ${text}`)
        askedBy.set(row.name, (askedBy.get(row.name) ?? 0) + asked.length)
      }), { numRuns, examples: [[plainRequest(row)]] })
    })
  }

  it('takes numbers of 64 bits for numbers', async () => {
    const row = served.find(({ name }) => name === 'ContainerCreate')!
    const most = '9223372036854775807'
    const fields = ['Memory', 'MemorySwap', 'MemoryReservation', 'KernelMemory', 'NanoCpus', 'CpuQuota', 'CpuPeriod', 'CpuShares', 'PidsLimit', 'ShmSize', 'OomScoreAdj', 'Ulimits']
    for (const field of fields) {
      for (const value of [most, `-${most}`]) {
        const number = field === 'Ulimits' ? `[{"Name":"nofile","Soft":${value},"Hard":${value}}]` : value
        const body = `{"Image":"busybox","HostConfig":{"${field}":${number}}}`
        const { text, failures } = await town.ask({ ...plainRequest(row), body: new TextEncoder().encode(body) })
        assert.deepEqual(failures, [], `${body}: ${text}`)
      }
    }
  })

  it('has been served often enough for this to mean something', () => {
    // Session asks nothing without a connection to hand over, which this town has not.
    const plans = served.filter((row) => row.plan !== undefined && row.name !== 'Session').map((row) => row.name)
    assert.deepEqual(plans.filter((name) => !askedBy.get(name)), [])
  })
})

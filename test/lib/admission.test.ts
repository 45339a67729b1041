import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { shortfalls } from '../../lib/admission.ts'
import type { HostFacts } from '../../lib/engine.ts'

const facts = (engineVersion: string, pools?: { Base: string; Size: number }[]): HostFacts =>
  ({ engineVersion, apiVersion: '1.51', minApiVersion: '1.24', version: {}, info: { DefaultAddressPools: pools }, now: () => 0 })
const wide = [{ Base: '10.200.0.0/13', Size: 26 }]
const good = { bridge: { 'com.docker.network.bridge.enable_icc': 'false' }, grantsHostNetwork: false }
const missing = (...given: Parameters<typeof shortfalls>) => shortfalls(...given).map(({ check }) => check)

describe('what a host lacks', () => {
  it('is nothing for an engine set up as the documentation says', () => {
    assert.deepEqual(shortfalls(facts('28.5.2', wide), good), [])
    assert.deepEqual(missing(facts('20.10.24', wide), good), [])
  })

  it('is a newer engine', () => {
    assert.deepEqual(missing(facts('19.03.15', wide), good), ['version'])
  })

  it('is ICC switched off, where nothing says that it is', () => {
    const bridges: Record<string, string>[] = [{}, { 'com.docker.network.bridge.enable_icc': 'true' }]
    for (const bridge of bridges) assert.deepEqual(missing(facts('28.5.2', wide), { ...good, bridge }), ['icc'])
  })

  it('is an entitlement that builds should not have', () => {
    assert.deepEqual(missing(facts('28.5.2', wide), { ...good, grantsHostNetwork: true }), ['entitlements'])
  })

  for (const [pools, networks] of [
    [undefined, 31], [[], 31], [[{ Base: '10.0.0.0/16', Size: 24 }], 256], [[{ Base: '10.0.0.0/16', Size: 24 }, { Base: 'fd00::/48', Size: 64 }], 256], [[{ Base: '10.0.0.0/24', Size: 16 }], 1],
  ] as const) {
    it(`is room for more than the ${networks} networks of ${JSON.stringify(pools)}`, () => {
      const [found] = shortfalls(facts('28.5.2', pools as never), good)
      assert.equal(found?.check, 'pools')
      assert.match(found!.why, new RegExp(`hold ${networks} networks`))
      assert.match(found!.remedy, /default-address-pools/)
    })
  }
})

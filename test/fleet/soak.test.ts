import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedEngine } from '../setup/shared-engine.ts'
import { soak } from '../soak/soak.ts'

test('40 namespaces used at random while gateways are killed leave nothing behind', async (t) => {
  const seed = Date.now() % 1_000_000
  t.diagnostic(`seed ${seed}`)
  const { left, opened, kills } = await soak({
    engines: [await sharedEngine('28.5')], namespaces: 40, atOnce: 6, gateways: 2, kills: 3, engineKills: 0, seed, say: () => {},
  })
  assert.deepEqual({ opened, kills, left }, { opened: 40, kills: 3, left: [] }, `seed ${seed}`)
})

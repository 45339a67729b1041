import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { differences, linesOf } from './scenario.ts'
import { containerdStore } from './scenarios/containerd-store.ts'
import { startWorlds, type Worlds } from './worlds.ts'

let worlds: Worlds
before(async () => { worlds = await startWorlds('28.5', { daemon: { features: { 'containerd-snapshotter': true } }, registry: true }) })
after(() => worlds.stop())

for (const [name, text] of Object.entries(containerdStore)) {
  test(`with containerd's image store, ${name}, in a namespace as on an engine of its own`, async () => {
    const lines = linesOf(text)
    const found = await differences(worlds, lines, '28.5')
    assert.ok(found.length === 0, `${found.length} of ${lines.length} lines differ:\n\n${found.join('\n\n')}\n`)
  })
}

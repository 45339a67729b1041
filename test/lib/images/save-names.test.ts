import assert from 'node:assert/strict'
import { test } from 'node:test'
import { archiveInJobNames } from '../../../lib/images/save-names.ts'

const ns = 'abcdefghijklmnop'

function written(annotations: object): unknown {
  const content = new TextEncoder().encode(JSON.stringify({ manifests: [{ digest: 'd', annotations }] }))
  return JSON.parse(new TextDecoder().decode(archiveInJobNames(ns)['index.json']!(content))).manifests[0].annotations
}

test('an index names images as the job does, and no anchors', () => {
  assert.deepEqual(written({ 'io.containerd.image.name': `moorage.invalid/${ns}/docker.io/library/app:1`, 'org.opencontainers.image.ref.name': '1' }),
    { 'io.containerd.image.name': 'docker.io/library/app:1', 'org.opencontainers.image.ref.name': '1' })
  assert.deepEqual(written({ 'io.containerd.image.name': 'moorage.invalid/ponmlkjihgfedcba/docker.io/library/app:1' }), {})
})

test('an index does not tell where else its contents went or came from', () => {
  assert.deepEqual(written({ 'containerd.io/distribution.source.moorage.invalid': 'ponmlkjihgfedcba/docker.io/library/app', 'containerd.io/distribution.source.registry.example': 'secret/x', own: 'kept' }), { own: 'kept' })
})

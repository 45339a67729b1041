import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { planRemoval, type ImageWorld, type Removal } from '../../../lib/images/delete-plan.ts'
import { Refusal } from '../../../lib/refusal.ts'

const a = `sha256:${'a'.repeat(64)}`
const b = `sha256:${'b'.repeat(64)}`
const [app, app2, other] = ['docker.io/library/app:1', 'docker.io/library/app:2', 'docker.io/library/other:1']
const digest = `docker.io/library/app@sha256:${'d'.repeat(64)}`
const running = { id: '1'.repeat(64), imageId: a, running: true }
const stopped = { id: '2'.repeat(64), imageId: a, running: false }

function world(references: string[], containers: ImageWorld['containers'] = [], more: [string, string | undefined, string[]][] = []): ImageWorld {
  return { images: new Map([[a, { references, parent: undefined }], ...more.map(([id, parent, refs]) => [id, { references: refs, parent }] as const)]), containers }
}

/** What a removal says: steps in short form, or the conflict's text. */
function outcome(state: ImageWorld, removal: Partial<Removal>): string[] | string {
  const names = new Map([[a, 'a'], [b, 'b']])
  try {
    return planRemoval(state, { image: a, reference: undefined, term: 'TERM', force: false, prune: true, ...removal })
      .map((step) => 'untag' in step ? `-${step.untag.replace('docker.io/library/', '').slice(0, 12)}${step.told ? '' : ' (silent)'}` : `delete ${names.get(step.delete)}`)
  } catch (error) {
    assert.ok(error instanceof Refusal && error.status === 409)
    return error.message
  }
}

const table: [string, ImageWorld, Partial<Removal>, string[] | string][] = [
  ['the last tag goes with the image', world([app]), { reference: app }, ['-app:1', 'delete a']],
  ['one of two tags goes alone', world([app, app2]), { reference: app }, ['-app:1']],
  ['digests go with the last tag of their repository', world([app, digest]), { reference: app }, ['-app:1', '-app@sha256:d (silent)', 'delete a']],
  ['digests stay while a tag of their repository is left', world([app, app2, digest]), { reference: app }, ['-app:1']],
  ['a digest goes alone', world([app, digest]), { reference: digest }, ['-app@sha256:d']],
  ['the last digest goes with the image', world([digest]), { reference: digest }, ['-app@sha256:d', 'delete a']],
  ['by id, the references of one repository go too', world([app, digest]), {}, ['-app:1', '-app@sha256:d', 'delete a']],
  ['by id, several tags are a conflict', world([app, app2]), {}, `conflict: unable to delete aaaaaaaaaaaa (must be forced) - image is referenced in multiple repositories`],
  ['by id, several repositories are a conflict', world([app, other]), {}, `conflict: unable to delete aaaaaaaaaaaa (must be forced) - image is referenced in multiple repositories`],
  ['by id, force takes all references', world([app, other]), { force: true }, ['-app:1', '-other:1', 'delete a']],
  ['by id, no reference at all', world([]), {}, ['delete a']],
  ['the last tag of a used image is a conflict', world([app], [stopped]), { reference: app }, 'conflict: unable to remove repository reference "TERM" (must force) - container 222222222222 is using its referenced image aaaaaaaaaaaa'],
  ['one tag of several of a used image goes', world([app, app2], [running]), { reference: app }, ['-app:1']],
  ['force takes the last tag of an image that a running container uses, and leaves the image', world([app], [running]), { reference: app, force: true }, ['-app:1']],
  ['force takes an image that a stopped container uses', world([app], [stopped]), { reference: app, force: true }, ['-app:1', 'delete a']],
  ['by id, a running container is a conflict even with force', world([app], [running]), { force: true }, 'conflict: unable to delete aaaaaaaaaaaa (cannot be forced) - image is being used by running container 111111111111'],
  ['by id, a stopped container is a conflict', world([app], [stopped]), {}, 'conflict: unable to delete aaaaaaaaaaaa (must be forced) - image is being used by stopped container 222222222222'],
  ['by id, a child is a conflict even with force', world([], [], [[b, a, []]]), { force: true }, 'conflict: unable to delete aaaaaaaaaaaa (cannot be forced) - image has dependent child images'],
  ['an image with a child loses its last tag and stays', world([app], [], [[b, a, [other]]]), { reference: app }, ['-app:1']],
  ['an untagged parent goes with its child', world([], [], [[b, a, [other]]]), { image: b, reference: other }, ['-other:1', 'delete b', 'delete a']],
  ['a parent stays without prune', world([], [], [[b, a, [other]]]), { image: b, reference: other, prune: false }, ['-other:1', 'delete b']],
  ['a tagged parent stays', world([app], [], [[b, a, [other]]]), { image: b, reference: other }, ['-other:1', 'delete b']],
  ['a used parent stays', world([], [stopped], [[b, a, [other]]]), { image: b, reference: other }, ['-other:1', 'delete b']],
]

for (const [name, state, removal, expected] of table) {
  test(`removing images: ${name}`, () => assert.deepEqual(outcome(state, removal), expected))
}

test('a removal never touches references of other images, and a conflict changes nothing', () => {
  const references = fc.uniqueArray(fc.constantFrom(app, app2, other, digest), { maxLength: 4 })
  fc.assert(fc.property(references, references, fc.boolean(), fc.boolean(), fc.boolean(), fc.nat(), (mine, theirs, force, prune, child, pick) => {
    const foreign = theirs.filter((name) => !mine.includes(name))
    const state = world([...mine], [], [[b, child ? a : undefined, [...foreign]]])
    const before = structuredClone(state)
    const reference = mine[pick % (mine.length + 1)]
    const said = outcome(state, { reference, force, prune })
    assert.deepEqual(state.images.get(b), before.images.get(b))
    if (typeof said === 'string') assert.deepEqual(state, before)
    else assert.equal(state.images.has(a), !said.includes('delete a'))
  }))
})

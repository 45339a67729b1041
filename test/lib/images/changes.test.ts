import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeLines } from '../../../lib/images/changes.ts'
import { Refusal } from '../../../lib/refusal.ts'

const [now, before] = [{ apiVersion: '1.51' }, { apiVersion: '1.41' }]

test('changes are instructions of one line each: joined, without comments', () => {
  assert.deepEqual(changeLines(['CMD ["a"]', 'env A=b\n# not this\n\nlabel x=y \\\n  z=1\r\nUSER nobody'], now), ['CMD ["a"]', 'env A=b', 'label x=y   z=1', 'USER nobody'])
  assert.deepEqual(changeLines(['', '  '], now), [])
})

test('only instructions that set the config are changes, in the engine\'s words for its age', () => {
  for (const line of ['RUN x', 'CMD a\nRUN b', '  run x', 'FROM busybox', 'COPY a b', '\u00a0RUN x']) {
    assert.throws(() => changeLines([line], now), (error) => error instanceof Refusal && error.status === 400 && / is not a valid change command$/.test(error.message), line)
  }
  assert.throws(() => changeLines(['Run x'], now), /^Refusal: RUN is/)
  assert.throws(() => changeLines(['Run x'], before), /^Refusal: run is/)
})

test('an escape directive changes nothing, and a label of the gateway is refused', () => {
  assert.deepEqual(changeLines(['# escape=`\nCMD a\\\nb'], now), ['CMD ab'])
  assert.throws(() => changeLines(['LABEL io.moorage.namespace=x'], now), (error) => error instanceof Refusal && error.status === 403)
})

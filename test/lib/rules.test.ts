import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as v from 'valibot'
import { grantOf, ruleSchema } from '../../lib/openers/rules.ts'

const rules = (...given: object[]) => given.map((one) => v.parse(ruleSchema, one))
const claims = { sub: 'project_path:group/app:ref_type:branch:ref:main', project_path: 'group/app', ref_protected: 'true', pipeline_id: 42, groups: ['a', 'b'], job: '' }

describe('rules from claims', () => {
  test('grant what the first one that matches says', () => {
    const grant = grantOf(rules(
      { when: { project_path: 'other/*' }, policy: 'strict' },
      { when: { project_path: 'group/*', ref_protected: 'true' }, policy: 'trusted', policies: ['default'], domain: '{project_path}', label: '{project_path} #{pipeline_id}', lifetime: 60 },
      { when: {}, policy: 'default' }), claims)
    assert.deepEqual(grant, { policies: ['trusted', 'default'], domain: 'group/app', label: 'group/app #42', lifetime: 60 })
  })

  test('grant nothing when none matches', () => assert.equal(grantOf(rules({ when: { project_path: 'group' } }), claims), undefined))

  for (const [pattern, matches] of Object.entries({
    'group/app': true, 'group/*': true, '*/app': true, '**': true, '*': false, 'gr*/a*p': true, 'Group/app': false, 'group/app2': false, 'group.app': false, '.*': false, 'group/': false,
  })) {
    test(`match ${pattern} ${matches ? 'with' : 'not with'} group/app`, () => assert.equal(grantOf(rules({ when: { project_path: pattern } }), claims) !== undefined, matches))
  }

  test('match one entry of a list, numbers and booleans as their text', () => {
    assert.ok(grantOf(rules({ when: { groups: 'b' } }), claims))
    assert.equal(grantOf(rules({ when: { groups: 'c' } }), claims), undefined)
    assert.ok(grantOf(rules({ when: { pipeline_id: 42, ref_protected: true } }), claims))
  })

  test('do not match when a text names a claim that is absent or empty', () => {
    for (const text of ['{absent}', '{job}', 'x {constructor}']) assert.equal(grantOf(rules({ when: {}, domain: text }), claims), undefined)
  })

  test('do not fill in what a claim holds a second time', () => {
    assert.equal(grantOf(rules({ when: {}, domain: '{a}' }), { ...claims, a: '{project_path}' })?.domain, '{project_path}')
  })
})

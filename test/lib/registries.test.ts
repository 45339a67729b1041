import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RE2JS } from 're2js'
import { PolicyAction } from '../../lib/buildkit/proto/policy_pb.ts'
import { sourcePolicy } from '../../lib/buildkit/sources.ts'
import { allowsRegistry, defaultPolicy } from '../../lib/policy.ts'
import { parseReference } from '../../lib/reference.ts'
import { Refusal } from '../../lib/refusal.ts'

const allows = (registry: string, registries = ['*']) => allowsRegistry({ ...defaultPolicy, registries }, registry)

test('registries are those the policy lists, by whole name or suffix', () => {
  assert.ok(allows('docker.io') && allows('127.0.0.1:5000') && allows('localhost:5000') && allows('[::1]:5000') && allows('10.1.2.3') && allows('[2001:db8::1]:443'))
  assert.ok(allows('a.example', ['*.example']) && !allows('example', ['*.example']) && !allows('evilexample', ['*.example']))
  assert.ok(allows('host:5000', ['host:5000']) && !allows('host', ['host:5000']) && !allows('host:5001', ['host:5000']) && !allows('HOST:5000', ['host:5000']) && !allows('docker.io', []))
})

test('link-local addresses are no registries, however they are spelt', () => {
  for (const host of ['169.254.169.254', '169.254.169.254:80', '[fe80::1]:80', '[FE80::1]', '[::ffff:a9fe:a9fe]:80', '[::a9fe:a9fe]', '[0:0:0:0:0:ffff:a9fe:a9fe]', '[64:ff9b::a9fe:a9fe]',
    '2852039166:80', '0xa9fea9fe:80', '0xA9.0xFE.0xA9.0xFE', '0251.0376.0251.0376', '169.16689662', '0169.254.169.254']) {
    assert.equal(allows(host), false, host)
    assert.equal(allows(host, [host]), false, host)
  }
})

test('engines are told the same as the gateway judges, for every registry and list', () => {
  const digits = fc.stringMatching(/^(0x[0-9a-fA-F]{0,8}|[0-9]{1,10})$/)
  const host = fc.oneof(
    fc.array(digits, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.')), fc.stringMatching(/^\[[0-9a-fA-F:.]{2,20}\]$/), fc.stringMatching(/^[a-z0-9.-]{1,20}$/),
    fc.constantFrom('docker.io', '169.254.169.254', '169.254.1', '[fe80::1]', '[FEBF::]', '[::ffff:1.2.3.4]', '10.0.0.1', '[::1]', 'a.corp.example', 'corp.example'),
  )
  const entry = fc.oneof(fc.constantFrom('*', '*.example', 'docker.io', '*.corp.example', '10.0.0.1:5000'), host)
  fc.assert(fc.property(host, fc.option(fc.integer({ min: 0, max: 65_535 })), fc.array(entry, { maxLength: 3 }), (name, port, registries) => {
    const registry = port === null ? name : `${name}:${port}`
    assert.equal(engineAllows(registries, `docker-image://${registry}/lib/x:1`), allows(registry, registries), registry)
  }))
})

/** As moby/buildkit judges a source by a policy (sourcepolicy/engine.go), for an image that is nobody's. */
function engineAllows(registries: readonly string[], identifier: string): boolean {
  const { rules } = sourcePolicy({ ns: 'abcdefghijklmnop', images: new Map(), policy: { ...defaultPolicy, registries: [...registries] }, own: () => undefined })
  return rules.reduce((allowed, { action, selector }) => RE2JS.compile(selector!.identifier).test(identifier) ? action === PolicyAction.ALLOW : allowed, true)
}

test('a name of Docker Hub whose short form names another registry is refused', () => {
  for (const name of ['docker.io/localhost/x', 'index.docker.io/127.0.0.1/x', 'docker.io/evil.example/a/b:1']) {
    assert.throws(() => parseReference(name), (error) => error instanceof Refusal && error.status === 400, name)
  }
  for (const name of ['docker.io/library/localhost', 'docker.io/user/my.app', 'localhost/x', 'evil.example/a']) parseReference(name)
})

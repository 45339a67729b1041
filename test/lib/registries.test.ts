import assert from 'node:assert/strict'
import { test } from 'node:test'
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

test('a name of Docker Hub whose short form names another registry is refused', () => {
  for (const name of ['docker.io/localhost/x', 'index.docker.io/127.0.0.1/x', 'docker.io/evil.example/a/b:1']) {
    assert.throws(() => parseReference(name), (error) => error instanceof Refusal && error.status === 400, name)
  }
  for (const name of ['docker.io/library/localhost', 'docker.io/user/my.app', 'localhost/x', 'evil.example/a']) parseReference(name)
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  familiar, familiarName, fromStored, isImageId, normalised, parseReference, storedReference, untaggedReference, withDefaultTag,
} from '../../lib/reference.ts'
import { Refusal } from '../../lib/refusal.ts'

const ns = 'a0b1c2d3e4f5g6h7'
const hex = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

function refused(call: () => unknown, message: string | RegExp): void {
  assert.throws(call, (error) => error instanceof Refusal && error.status === 400
    && (typeof message === 'string' ? error.message === message : message.test(error.message)))
}

describe('an image reference', () => {
  const table: [string, string, string, string][] = [
    ['busybox', 'docker.io', 'library/busybox', 'busybox'],
    ['user/app', 'docker.io', 'user/app', 'user/app'],
    ['library/busybox', 'docker.io', 'library/busybox', 'busybox'],
    ['library/a/b', 'docker.io', 'library/a/b', 'library/a/b'],
    ['docker.io/busybox', 'docker.io', 'library/busybox', 'busybox'],
    ['index.docker.io/busybox', 'docker.io', 'library/busybox', 'busybox'],
    ['index.docker.io/user/app', 'docker.io', 'user/app', 'user/app'],
    ['localhost/x', 'localhost', 'x', 'localhost/x'],
    ['host:5000/x/y', 'host:5000', 'x/y', 'host:5000/x/y'],
    ['ghcr.io/o/r', 'ghcr.io', 'o/r', 'ghcr.io/o/r'],
    ['Upper/x', 'Upper', 'x', 'Upper/x'],
    ['[::1]:5000/x', '[::1]:5000', 'x', '[::1]:5000/x'],
    ['a/b__c-d--e.f_g', 'docker.io', 'a/b__c-d--e.f_g', 'a/b__c-d--e.f_g'],
  ]
  for (const [text, domain, path, name] of table) {
    it(`${text} is ${path} at ${domain}`, () => {
      const ref = parseReference(text)
      assert.deepEqual(ref, { domain, path })
      assert.deepEqual([familiarName(ref), familiar(withDefaultTag(ref))], [name, `${name}:latest`])
      assert.equal(normalised(ref), `${domain}/${path}:latest`)
      assert.deepEqual(parseReference(`${text}:V1.0_x-y`), { domain, path, tag: 'V1.0_x-y' })
      assert.deepEqual(parseReference(`${text}@sha256:${hex}`), { domain, path, digest: `sha256:${hex}` })
    })
  }

  it('may have a tag and a digest, and then the digest decides', () => {
    const ref = parseReference(`busybox:1@sha256:${hex}`)
    assert.equal(familiar(ref), `busybox:1@sha256:${hex}`)
    assert.equal(normalised(ref), `docker.io/library/busybox@sha256:${hex}`)
    assert.equal(withDefaultTag(ref), ref)
  })

  it('is refused with the texts of the engine', () => {
    const texts: [string, string][] = [
      ['NoSuch', 'invalid reference format: repository name (library/NoSuch) must be lowercase'],
      ['host.io/A/b:x', 'invalid reference format: repository name (A/b) must be lowercase'],
      [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
      ...['', ':', 'a:', 'a@', 'a b', '/a', 'a//b', 'a/', '-a', 'a.-b', 'a..b', 'a___b', 'a:.x', `a:${'x'.repeat(129)}`, 'a@sha256:abc', 'a\n', 'a%2f', '../a', 'http://a/b', 'é']
        .map((text): [string, string] => [text, 'invalid reference format']),
      [`a@sha256:${hex.slice(1)}`, 'invalid checksum digest length'],
      [`a@sha256:${hex.toUpperCase()}`, 'invalid checksum digest format'],
      [`a@md5:${hex}`, 'unsupported digest algorithm'],
      ['a'.repeat(256), 'repository name must not be more than 255 characters'],
      ['a'.repeat(100_000), 'repository name must not be more than 255 characters'],
      ['a_b.c/x', 'invalid reference format'],
    ]
    for (const [text, message] of texts) refused(() => parseReference(text), message)
    assert.equal(parseReference('a'.repeat(247)).path.length, 255)
  })
})

describe('an image id', () => {
  it('is told from a prefix and from a name', () => {
    for (const text of [hex, `sha256:${hex}`]) assert.equal(isImageId(text), 'id')
    for (const text of ['c', 'cafe', 'sha256:abc', hex.slice(1)]) assert.equal(isImageId(text), 'prefix')
    for (const text of ['', 'busybox', 'CAFE', `${hex}0`, `sha512:${hex}`, 'sha256:', `${hex}\0`, 'cafe\n']) assert.equal(isImageId(text), undefined)
  })
})

describe('a stored reference', () => {
  it('lies below the namespace and is read back in familiar form', () => {
    const table: [string, string, string][] = [
      ['busybox', `moorage.invalid/${ns}/docker.io/library/busybox:latest`, 'busybox:latest'],
      ['host:5000/a/b:T', `moorage.invalid/${ns}/host__5000/a/b:T`, 'host:5000/a/b:T'],
      ['localhost/x:1', `moorage.invalid/${ns}/localhost/x:1`, 'localhost/x:1'],
      ['moorage.invalid/z0b1c2d3e4f5g6h7/docker.io/library/x', `moorage.invalid/${ns}/moorage.invalid/z0b1c2d3e4f5g6h7/docker.io/library/x:latest`,
        'moorage.invalid/z0b1c2d3e4f5g6h7/docker.io/library/x:latest'],
    ]
    for (const [text, stored, back] of table) {
      assert.equal(storedReference(ns, parseReference(text)), stored)
      assert.equal(fromStored(ns, stored), back)
    }
    assert.equal(fromStored(ns, `moorage.invalid/${ns}/docker.io/library/busybox@sha256:${hex}`), `busybox@sha256:${hex}`)
  })

  it('of another namespace, or of none, is not read', () => {
    const stored = storedReference('z0b1c2d3e4f5g6h7', parseReference('busybox'))
    const untagged = untaggedReference(ns, `sha256:${hex}`)
    assert.equal(untagged, `moorage.invalid/${ns}/untagged:${hex}`)
    for (const text of [stored, untagged, 'busybox:latest', '', `moorage.invalid/${ns}/`, `moorage.invalid/${ns}/docker.io/`]) assert.equal(fromStored(ns, text), undefined)
  })

  it('is refused where the engine or its grammar could not hold it', () => {
    refused(() => storedReference(ns, parseReference('Host.io/x')), /Host\.io.*lower case/)
    refused(() => storedReference(ns, parseReference('[::1]:5000/x')), /IPv6/)
    refused(() => storedReference(ns, parseReference(`x@sha256:${hex}`)), 'refusing to create a tag with a digest reference')
    refused(() => storedReference(ns, parseReference(`a/${'b'.repeat(250)}`)), /too long by \d+ characters/)
    assert.throws(() => storedReference('short', parseReference('x')), TypeError)
  })

  it('is itself a reference, never clashes and always leads back', () => {
    const letters = fc.string({ unit: fc.constantFrom(...'abz09'), minLength: 1, maxLength: 4 })
    const path = fc.array(fc.array(letters, { minLength: 1, maxLength: 3 }).chain((parts) =>
      fc.constantFrom('.', '_', '__', '-', '---').map((separator) => parts.join(separator))), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
    const registry = fc.constantFrom('', 'localhost/', 'a.b/', 'a-b:5000/', 'a.b:1/', '127.0.0.1:80/')
    const reference = fc.tuple(registry, path, fc.stringMatching(/^(:[\w][\w.-]{0,9})?$/)).map((parts) => parts.join(''))
    fc.assert(fc.property(reference, reference, (one, other) => {
      const [left, right] = [parseReference(one), parseReference(other)]
      const stored = storedReference(ns, left)
      assert.equal(parseReference(stored).domain, 'moorage.invalid')
      assert.equal(normalised(parseReference(fromStored(ns, stored)!)), normalised(left))
      assert.equal(stored === storedReference(ns, right), normalised(left) === normalised(right))
    }))
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { containerMatcher, impliesAll, isRunning, type ContainerSummary } from '../../lib/filters/containers.ts'
import { matchEvent } from '../../lib/filters/events.ts'
import { imageFilter, type ImageContext, type ImageSummary } from '../../lib/filters/images.ts'
import { networkMatcher, type NetworkSummary } from '../../lib/filters/networks.ts'
import { parseFilters, type Filters } from '../../lib/filters/parse.ts'
import { matchPrune, pruneAllVolumes, pruneUntil } from '../../lib/filters/prune.ts'
import { volumeMatcher, type VolumeContext, type VolumeSummary } from '../../lib/filters/volumes.ts'
import { Refusal } from '../../lib/refusal.ts'

const matchNetwork = (filters: Filters, network: NetworkSummary) => networkMatcher(filters)(network)
const matchVolume = (filters: Filters, ...[volume, context]: [VolumeSummary, VolumeContext?]) => volumeMatcher(filters, context)(volume)
const matchImage = (filters: Filters, ...[image, context]: [ImageSummary, ImageContext?]) => imageFilter(filters, context)(image) !== undefined

type Lists = Record<string, string[]>
const of = (lists: Lists) => parseFilters(JSON.stringify(lists))

function refused(call: () => unknown, message: string): void {
  assert.throws(call, (error) => error instanceof Refusal && error.status === 400 && error.message === message)
}

function check<T>(matches: (lists: Lists) => T, table: readonly (readonly [Lists, T])[]): void {
  for (const [lists, expected] of table) assert.equal(matches(lists), expected, JSON.stringify(lists))
}

describe('a container', () => {
  const db: ContainerSummary = {
    Id: 'abc123', Names: ['/web/alias', '/db'], ImageID: 'sha256:1', Labels: { a: '1' }, State: 'running', Status: 'Up 5 minutes (healthy)',
    Ports: [{ PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }, { PrivatePort: 53, Type: 'udp' }],
    NetworkSettings: { Networks: { net: { NetworkID: 'feed01' }, gone: null } },
    Mounts: [{ Name: 'data', Source: '/var/lib/docker/x', Destination: '/data' }, { Source: '/host', Destination: '/mnt' }],
  }

  it('is found by each of its traits', () => {
    check((lists) => containerMatcher(of(lists), { ancestors: new Set(['sha256:1']) })(db), [
      [{}, true], [{ name: ['^/db$'] }, true], [{ name: ['^db$'] }, true], [{ name: ['alias'] }, false], [{ name: ['d'], id: ['abc'] }, true],
      [{ id: ['bc1'] }, false], [{ id: [''] }, false], [{ id: ['x', 'abc123'] }, true], [{ name: ['x'], id: ['abc'] }, false],
      [{ label: ['a', 'a=1'] }, true], [{ label: ['a', 'b'] }, false], [{ status: ['running', 'dead'] }, true], [{ status: ['exited'] }, false],
      [{ health: ['healthy'] }, true], [{ health: ['none'] }, false], [{ exited: ['0'] }, false], [{ 'is-task': ['false'] }, true], [{ 'is-task': ['1'] }, false],
      [{ volume: ['data'] }, true], [{ volume: ['/data'] }, true], [{ volume: ['/host'] }, true], [{ volume: ['/var/lib/docker/x'] }, false], [{ volume: [] }, false],
      [{ network: ['net'] }, true], [{ network: ['feed'] }, true], [{ network: ['eed'] }, false], [{ network: ['gone'] }, true], [{ network: ['toString'] }, false],
      [{ publish: ['8080'] }, true], [{ publish: ['8000-8100/tcp'] }, true], [{ publish: ['8080/udp'] }, false], [{ publish: ['80'] }, false], [{ publish: ['0/udp'] }, true],
      [{ expose: ['80'] }, true], [{ expose: ['53/udp'] }, true], [{ expose: ['53'] }, false], [{ publish: ['1'], expose: ['80'] }, true],
      [{ ancestor: ['x'] }, true], [{ isolation: ['hyperv'] }, true],
    ])
    assert.equal(containerMatcher(of({ ancestor: ['x'] }))(db), false)
  })

  it('that has ended is found by its exit code', () => {
    const ended = { ...db, State: 'exited', Status: 'Exited (137) 2 hours ago', Health: undefined }
    check((lists) => containerMatcher(of(lists))(ended), [[{ exited: ['137'] }, true], [{ exited: ['0', '+137'] }, true], [{ exited: ['13'] }, false], [{ health: ['none'] }, true]])
    assert.deepEqual([isRunning(db), isRunning({ ...db, State: 'paused' }), isRunning(ended)], [true, true, false])
    assert.deepEqual([impliesAll(of({ status: ['running'] })), impliesAll(of({ status: [] })), impliesAll(of({}))], [true, false, false])
  })

  it('has the health its status tells, unless it tells itself', () => {
    const health = (extra: object, value: string) => containerMatcher(of({ health: [value] }))({ ...db, ...extra })
    assert.ok(health({ Status: 'Up 1 second (health: starting)' }, 'starting'))
    assert.ok(health({ Status: 'Up 1 second (unhealthy)' }, 'unhealthy'))
    assert.ok(health({ Status: 'Up 1 second' }, 'none'))
    assert.ok(health({ Status: 'Exited (0) 1 second ago', Health: { Status: 'unhealthy' } }, 'unhealthy'))
  })

  it('lies before or since another in the order of the engine', () => {
    const order = new Map(['c', 'b', 'a'].map((id, place) => [id, place]))
    const list = (before?: string, since?: string) =>
      ['c', 'b', 'a'].filter((Id) => containerMatcher(of({}), { order, before, since })({ Id })).join('')
    assert.deepEqual([list(), list('b'), list(undefined, 'b'), list('c', 'a'), list('a', 'c'), list('b', 'b'), list('gone'), list(undefined, 'gone')],
      ['cba', 'a', 'c', 'b', '', 'a', '', 'cba'])
  })

  it('is not looked for when the values cannot be', () => {
    refused(() => containerMatcher(of({ status: ['up'] })),
      "invalid filter 'status=up': invalid value for state (up): must be one of created, running, paused, restarting, removing, exited, dead")
    refused(() => containerMatcher(of({ health: ['ok'] })), "invalid filter 'health=ok': invalid value for health (ok): must be one of none, starting, healthy, unhealthy")
    refused(() => containerMatcher(of({ exited: ['x'] })), `invalid filter 'exited=x': strconv.Atoi: parsing "x": invalid syntax`)
    refused(() => containerMatcher(of({ 'is-task': ['x'] })), "invalid filter 'is-task=[x]'")
    refused(() => containerMatcher(of({ publish: ['1:2'] })), "filter for 'publish' should not contain ':': 1:2")
    refused(() => containerMatcher(of({ expose: ['x'] })), 'error while looking up for expose x: strconv.ParseUint: parsing "x": invalid syntax')
    refused(() => containerMatcher(of({ expose: ['65536'] })), 'error while looking up for expose 65536: strconv.ParseUint: parsing "65536": value out of range')
    refused(() => containerMatcher(of({ expose: ['9-8'] })), 'error while looking up for expose 9-8: invalid range specified for port: 9-8')
    refused(() => containerMatcher(of({ expose: [''] })), 'error while looking up for expose : empty string specified for ports')
  })
})

describe('a network', () => {
  it('is found by each of its traits', () => {
    const net = { Id: 'feed01', Name: 'net', Driver: 'bridge', Scope: 'local', Labels: { a: '1' }, Containers: {} }
    check((lists) => matchNetwork(of(lists), net), [
      [{}, true], [{ name: ['^n'] }, true], [{ name: ['x', 'et$'] }, true], [{ id: ['e'] }, true], [{ id: ['x'] }, false], [{ driver: ['bridge'] }, true],
      [{ driver: ['brid'] }, false], [{ scope: ['swarm'] }, false], [{ label: ['a=2'] }, false], [{ type: ['custom'] }, true], [{ type: ['builtin'] }, false],
      [{ type: ['custom', 'builtin'] }, true], [{ type: [] }, false], [{ dangling: ['true'] }, true], [{ dangling: ['0'] }, false], [{ dangling: [] }, true],
    ])
    assert.equal(matchNetwork(of({ dangling: ['1'] }), { ...net, Containers: { x: {} } }), false)
    assert.equal(matchNetwork(of({ dangling: ['1'] }), { ...net, Name: 'bridge' }), false)
    assert.equal(matchNetwork(of({ type: ['builtin'] }), { ...net, Name: 'bridge' }), true)
  })

  it('is not looked for when the values cannot be', () => {
    refused(() => networkMatcher(of({ type: ['x'] })), "invalid filter: 'type'='x'")
    refused(() => networkMatcher(of({ dangling: ['x'] })), `invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`)
    refused(() => networkMatcher(of({ dangling: ['1', '0'] })), 'got more than one value for filter key "dangling"')
  })
})

describe('a volume', () => {
  it('is found by each of its traits', () => {
    check((lists) => matchVolume(of(lists), { Name: 'data', Driver: 'local', Labels: null }, { used: new Set(['data']) }), [
      [{}, true], [{ name: ['^da'] }, true], [{ name: ['^ta'] }, false], [{ driver: ['x', 'local'] }, true], [{ label: ['a'] }, false],
      [{ dangling: ['true'] }, false], [{ dangling: ['false'] }, true],
    ])
    assert.equal(matchVolume(of({ dangling: ['true'] }), { Name: 'data' }), true)
    refused(() => matchVolume(of({ dangling: [] }), { Name: 'data' }), "invalid filter 'dangling'")
  })
})

describe('an image', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const box: ImageSummary = { Id: 'sha256:1', Created: 1000, Labels: { a: '1' }, RepoTags: ['busybox:latest', 'host:5000/box:1'], RepoDigests: [`busybox@${digest}`] }
  const loose: ImageSummary = { Id: 'sha256:2', Created: 1000, RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] }

  it('is found by each of its traits', () => {
    check((lists) => matchImage(of(lists), box, { nowMs: 2_000_000 }), [
      [{}, true], [{ label: ['a=1'] }, true], [{ label: ['b'] }, false], [{ dangling: ['true'] }, false], [{ dangling: ['0'] }, true],
      [{ reference: ['busy*'] }, true], [{ reference: ['busybox:latest'] }, true], [{ reference: ['busybox'] }, true], [{ reference: ['library/busybox'] }, false],
      [{ reference: ['*/busybox'] }, false], [{ reference: ['*/box'] }, true], [{ reference: ['x', '*:1'] }, false], [{ reference: ['*/*:1'] }, true], [{ reference: [] }, false],
      [{ until: ['1000'] }, false], [{ until: ['1001'] }, true], [{ until: ['10m'] }, true], [{ until: ['20m'] }, false], [{ until: ['1001', '1'] }, false],
    ])
    check((lists) => matchImage(of(lists), loose), [[{}, true], [{ dangling: ['true'] }, true], [{ dangling: ['false'] }, false], [{ reference: ['*'] }, false], [{ label: ['a'] }, false]])
  })

  it('shows only the references that were looked for', () => {
    const shown = imageFilter<ImageSummary>(of({ reference: ['busy*'] }))(box)
    assert.deepEqual([shown?.RepoTags, shown?.RepoDigests], [['busybox:latest'], [`busybox@${digest}`]])
    assert.equal(imageFilter(of({}))(box), box)
  })

  it('without a name, on which others are built, is shown with all and is never dangling', () => {
    const hasChildren = () => true
    assert.deepEqual([matchImage(of({}), loose, { hasChildren }), matchImage(of({}), loose, { hasChildren, all: true })], [false, true])
    assert.equal(matchImage(of({ dangling: ['1'] }), loose, { hasChildren, all: true }), false)
    assert.equal(matchImage(of({}), box, { hasChildren }), true)
  })

  it('lies before and since others by the nanosecond', () => {
    const created = () => 5n
    assert.deepEqual([matchImage(of({}), box, { created, before: 6n, since: 4n }), matchImage(of({}), box, { created, before: 5n }), matchImage(of({}), box, { created, since: 5n })],
      [true, false, false])
    assert.equal(matchImage(of({}), { Id: 'x' }, { before: 5n }), false)
  })

  it('is not looked for when the values cannot be', () => {
    refused(() => matchImage(of({ reference: ['['] }), box), 'syntax error in pattern')
    refused(() => matchImage(of({ dangling: ['x'] }), box), "invalid filter 'dangling=[x]'")
    refused(() => matchImage(of({ until: ['x'] }), box, { nowMs: 0 }), 'failed to parse value as time or duration: "x"')
    assert.throws(() => matchImage(of({ until: ['10m'] }), box), TypeError)
  })
})

describe('an event', () => {
  const exec = { Type: 'container', Action: 'exec_create: sh -c x', scope: 'local', Actor: { ID: 'abc123', Attributes: { name: 'db', image: 'busybox:1', a: '1' } } }

  it('passes by each of its traits', () => {
    check((lists) => matchEvent(of(lists), exec), [
      [{}, true], [{ type: ['container'] }, true], [{ type: ['network'] }, false], [{ event: ['exec_create'] }, true], [{ event: ['exec'] }, false],
      [{ event: ['exec_create: sh -c x'] }, true], [{ event: ['exec_start', 'die'] }, false], [{ scope: ['local'] }, true], [{ scope: ['swarm'] }, false],
      [{ container: ['abc'] }, true], [{ container: ['d'] }, true], [{ container: ['b'] }, false], [{ network: ['abc'] }, true], [{ volume: ['x'] }, false],
      [{ image: ['busybox:1'] }, true], [{ image: ['busybox'] }, true], [{ image: ['busy'] }, false], [{ image: ['abc123'] }, true],
      [{ label: ['a=1'] }, true], [{ label: ['b'] }, false], [{ unknown: ['x'] }, true],
    ])
  })

  it('of an image matches by its reference', () => {
    const tag = { Type: 'image', Action: 'tag', Actor: { ID: 'sha256:1', Attributes: { name: 'host:5000/x:2', image: 'y' } } }
    check((lists) => matchEvent(of(lists), tag), [[{ image: ['host:5000/x'] }, true], [{ image: ['host:5000/x:2'] }, true], [{ image: ['y'] }, false], [{ image: ['sha256:1'] }, true]])
    assert.equal(matchEvent(of({ label: ['a'] }), { Type: 'network', Actor: { ID: 'x', Attributes: null } }), false)
  })
})

describe('a prune', () => {
  it('takes what its filters name', () => {
    const labels = { a: '1', b: '' }
    check((lists) => matchPrune(of(lists), labels, 1000, pruneUntil(of(lists), 2_000_000)), [
      [{}, true], [{ label: ['a=1'] }, true], [{ label: ['c'] }, false], [{ 'label!': ['a'] }, false], [{ 'label!': ['a', 'c'] }, true], [{ 'label!': [] }, false],
      [{ until: ['1000'] }, true], [{ until: ['999.9'] }, false], [{ until: ['10m'] }, true], [{ until: ['17m'] }, false], [{ label: ['a'], 'label!': ['b'] }, false],
    ])
    assert.equal(matchPrune(of({ 'label!': ['a'] }), null, 0), true)
    assert.equal(pruneUntil(of({}), 0), undefined)
  })

  it('takes nothing when its time is not given or cannot be read', () => {
    assert.throws(() => matchPrune(of({ until: ['10m'] }), null, 0), TypeError)
    refused(() => pruneUntil(of({ until: ['1', '2'] }), 0), 'more than one until filter specified')
    refused(() => pruneUntil(of({ until: ['soon'] }), 0), 'failed to parse value as time or duration: "soon"')
    assert.throws(() => pruneUntil(of({ until: [] }), 0), Refusal)
  })

  it('takes volumes with names only when told so', () => {
    assert.deepEqual([{}, { all: ['1'] }, { all: ['T'] }, { all: ['f'] }].map((lists) => pruneAllVolumes(of(lists as Lists))), [false, true, true, false])
    refused(() => pruneAllVolumes(of({ all: ['1', '0'] })), "invalid filter 'all=[1 0]': only one value is expected")
    refused(() => pruneAllVolumes(of({ all: ['yes'] })), `invalid filter 'all': strconv.ParseBool: parsing "yes": invalid syntax`)
  })
})

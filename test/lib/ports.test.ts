import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { candidates, engineBindings, parseRange, publishedIn, shownPortMap, shownSummaryPorts, wantedPorts } from '../../lib/ports.ts'

describe('published ports', () => {
  it('are wanted as bound, and with -P every exposed port that is not bound', () => {
    assert.deepEqual(wantedPorts({ '80': [{ HostPort: '8080' }], '53/UDP': [] }, true, ['80/tcp', '443/tcp']), {
      '80/tcp': [{ HostIp: '', HostPort: '8080' }], '53/udp': [{ HostIp: '', HostPort: '' }], '443/tcp': [{ HostIp: '', HostPort: '' }],
    })
    assert.deepEqual(wantedPorts(undefined, false, ['80/tcp']), {})
  })

  it('of sctp are refused when bound and left out of -P', () => {
    assert.throws(() => wantedPorts({ '80/sctp': [{}] }, false, []), { status: 403, message: /only tcp and udp are/ })
    assert.deepEqual(wantedPorts({}, true, ['80/sctp']), {})
  })

  it('listen on free ports of one address of the host, whatever was asked, and on none when there is no such address', () => {
    const wanted = wantedPorts({ '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }, { HostPort: '8081' }] }, false, [])
    const free = { HostIp: '127.0.0.1', HostPort: '' }
    assert.deepEqual(engineBindings(wanted, '127.0.0.1'), { '80/tcp': [free] })
    assert.deepEqual(engineBindings(wanted, undefined), {})
  })

  it('are read from an inspect answer', () => {
    const ports = { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '32768' }], '81/tcp': null }
    assert.deepEqual(publishedIn(ports), [{ port: '80/tcp', address: '127.0.0.1', hostPort: 32768 }])
    assert.deepEqual(publishedIn(undefined), [])
  })

  it('are shown where the job dials them, and as exposed only when they are not relayed', () => {
    const dialled = (port: string, hostPort: number) => port === '80/tcp' && hostPort === 32768 ? [{ address: '10.0.0.1', port: 40000 }] : []
    assert.deepEqual(shownPortMap({ '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '32768' }], '81/tcp': [{ HostPort: '32768' }], '82/tcp': null }, dialled),
      { '80/tcp': [{ HostIp: '10.0.0.1', HostPort: '40000' }], '81/tcp': null, '82/tcp': null })
    assert.deepEqual(shownSummaryPorts([
      { IP: '127.0.0.1', PrivatePort: 80, PublicPort: 32768, Type: 'tcp' }, { IP: '127.0.0.1', PrivatePort: 80, PublicPort: 32768, Type: 'udp' }, { PrivatePort: 82, Type: 'tcp' },
    ], dialled), [{ IP: '10.0.0.1', PrivatePort: 80, PublicPort: 40000, Type: 'tcp' }, { PrivatePort: 80, Type: 'udp' }, { PrivatePort: 82, Type: 'tcp' }])
  })
})

describe('the ports of the gateway that may be taken', () => {
  it('are a range, both ends included', () => {
    assert.deepEqual(parseRange('40000-49999'), { first: 40000, last: 49999 })
    assert.deepEqual(parseRange('1-1'), { first: 1, last: 1 })
    for (const text of ['', '1', '2-1', '0-5', '1-65536', '1-2-3', 'a-b', ' 1-2']) assert.equal(parseRange(text), undefined, text)
  })

  it('come each once, from the given one on', () => {
    assert.deepEqual([...candidates({ first: 5, last: 8 }, '', 7)], [7, 8, 5, 6])
  })

  it('begin with the wished ones that the range has', () => {
    assert.deepEqual([...candidates({ first: 5, last: 8 }, '6', 7)], [6, 7, 8, 5])
    assert.deepEqual([...candidates({ first: 5, last: 8 }, '7-20', 5)], [7, 8, 5, 6])
    assert.deepEqual([...candidates({ first: 5, last: 8 }, '8080', 5)], [5, 6, 7, 8])
    assert.deepEqual([...candidates({ first: 5, last: 8 }, '0', 5)], [5, 6, 7, 8])
  })
})

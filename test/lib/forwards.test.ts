import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { forwardsOf } from '../../lib/forwards.ts'

describe('Forwards of a container', () => {
  const container = (wished: object, shown: object) => ({ Name: '/web', HostConfig: { PortBindings: wished }, NetworkSettings: { Ports: shown } }) as Parameters<typeof forwardsOf>[0]

  it('are at the wished port, of a range at any, and without a wish at the one that is shown', () => {
    assert.deepEqual(forwardsOf(container(
      { '80/tcp': [{ HostPort: '8080' }, { HostPort: '' }], '53/udp': [{ HostIp: '', HostPort: '5300-5310' }] },
      { '80/tcp': [{ HostPort: '40000' }, { HostPort: '40001' }], '53/udp': [{ HostPort: '40000' }], '81/tcp': [{ HostPort: '40002' }], '82/tcp': null },
    )), [
      { container: 'web', port: '80/tcp', protocol: 'tcp', gatewayPort: 40000, local: { first: 8080, last: 8080 } },
      { container: 'web', port: '80/tcp', protocol: 'tcp', gatewayPort: 40001, local: { first: 40001, last: 40001 } },
      { container: 'web', port: '53/udp', protocol: 'udp', gatewayPort: 40000, local: { first: 5300, last: 5310 } },
      { container: 'web', port: '81/tcp', protocol: 'tcp', gatewayPort: 40002, local: { first: 40002, last: 40002 } },
    ])
  })

  it('are none of one that does not run', () => {
    assert.deepEqual(forwardsOf(container({ '80/tcp': [{ HostPort: '8080' }] }, {})), [])
    assert.deepEqual(forwardsOf({ Name: '/x', HostConfig: {}, NetworkSettings: {} }), [])
  })
})

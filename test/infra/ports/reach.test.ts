import assert from 'node:assert/strict'
import { it } from 'node:test'
import { publishAddress, relayAddress } from '../../../infra/ports/reach.ts'

it('Engines publish on their loopback when the gateway is there, on the address of their URL or another one when the operator says so, or nowhere', () => {
  for (const reach of ['loopback', 'address']) {
    for (const url of ['unix:///var/run/docker.sock', 'tcp://127.0.0.1:2375', 'https://localhost:2376', 'tcp://[::1]:2375']) assert.equal(publishAddress(url, reach), '127.0.0.1', url)
  }
  assert.equal(publishAddress('tcp://10.0.0.5:2375', 'loopback'), undefined)
  assert.equal(publishAddress('tcp://10.0.0.5:2375', 'address'), '10.0.0.5')
  assert.equal(publishAddress('https://[2001:db8::1]:2376', 'address'), '2001:db8::1')
  assert.equal(publishAddress('https://engine.example:2376', 'address'), undefined)
  assert.equal(publishAddress('unix:///forwarded.sock', '10.0.0.5'), '10.0.0.5')
  assert.equal(publishAddress('unix:///forwarded.sock', 'none'), undefined)
})

it('Relays listen at an address of this machine, that of the API when none is given', async () => {
  assert.equal(await relayAddress(undefined, '127.0.0.1'), '127.0.0.1')
  assert.equal(await relayAddress('0.0.0.0', '127.0.0.1'), '0.0.0.0')
  await assert.rejects(relayAddress('192.0.2.1', '127.0.0.1'), { message: /cannot be relayed at 192\.0\.2\.1 .*--port-address/ })
})

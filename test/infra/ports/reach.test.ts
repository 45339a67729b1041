import assert from 'node:assert/strict'
import { it } from 'node:test'
import { publishAddress } from '../../../infra/ports/reach.ts'

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

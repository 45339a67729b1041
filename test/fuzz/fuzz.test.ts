import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { budget, framed, messageLimit, messages } from '../../infra/grpc/frames.ts'
import { fuzz, told } from './run.ts'
import { targets } from './targets.ts'

/** A bounded run of `npm run fuzz`; MOORAGE_FUZZ_SEED repeats one. */
const seed = Number(process.env['MOORAGE_FUZZ_SEED'] ?? Date.now() % 2 ** 31)

for (const target of await targets()) {
  it(`${target.name} are read or refused, whatever they are (seed ${seed})`, async () => {
    const { failure } = await fuzz(target, seed, { inputs: 1000 })
    assert.equal(failure && told(failure), undefined)
  })
}

it('a target that fails is told with what made it fail', async () => {
  const { failure } = await fuzz({ name: 'glass', seeds: [new Uint8Array([1, 2, 3])], run: (bytes) => assert.ok(bytes.length < 4) }, 1, { inputs: 1000 })
  assert.match(failure ? told(failure) : '', /^glass, seed 1, input \d+: AssertionError/)
})

it('a gRPC message in pieces of one byte takes little more memory than its bytes', async () => {
  const message = framed(new Uint8Array(600_000))
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const used = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = used()
  let most = 0
  async function* pieces() {
    for (let at = 0; at < message.length; at++) {
      if (at % 100_000 === 99_999) most = Math.max(most, used() - before)
      yield message.subarray(at, at + 1)
    }
  }
  const [whole] = await Array.fromAsync(messages(pieces(), budget(messageLimit)))
  assert.equal(whole?.length, 600_000)
  assert.ok(most < 20 * 1024 * 1024, `${Math.round(most / 1024 / 1024)} MiB`)
})

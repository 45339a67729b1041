import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { play } from './requests.ts'
import { sequences } from './sequences.ts'
import { startWorlds, type Worlds } from './worlds.ts'

describe('requests of other clients, in a namespace and on an engine of its own', () => {
  let worlds: Worlds
  before(async () => { worlds = await startWorlds('28.5', { unix: true }) })
  after(() => worlds.stop())

  for (const [name, steps] of Object.entries(sequences)) {
    it(name, async () => {
      const [bare, namespace] = await Promise.all([play(worlds.bare, steps), play(worlds.namespace, steps)])
      assert.deepEqual(namespace, bare)
    })
  }

  it('the clock of the engine is told as it is, so that events can be asked for until now', async () => {
    const said = await worlds.namespace.sh(`docker create --name watched busybox >/dev/null; since=$(docker info --format '{{.SystemTime}}'); docker rename watched renamed
      until docker events --since "$since" --until "$(docker info --format '{{.SystemTime}}')" --format '{{.Action}}' | grep rename; do sleep 0.2; done; docker rm renamed`)
    assert.match(said.stdout, /^rename\n/)
  })

  it('a container that ran when it was renamed has its new name in networks after a restart', async () => {
    for (const said of await worlds.both(`docker network create named >/dev/null; docker run -d --network named busybox sleep 1000 >c; docker rename $(cat c) renamed
      docker stop -t 0 renamed; docker start renamed; docker run --rm --network named busybox sh -c 'nslookup renamed >/dev/null && echo found'; docker rm -f renamed; docker network rm named`)) {
      assert.match(said.stdout, /^found$/m, said.stderr)
    }
  })
})

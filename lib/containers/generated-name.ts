import type { Call } from '../endpoint.ts'
import { overFull, quota } from '../ownership.ts'
import { Refusal } from '../refusal.ts'

/** Words for containers that the job did not name; the engine would choose a name without the stored prefix. */
const adjectives = `able agile amber bold brave breezy bright brisk calm clear coastal crisp deep drifting eager early fair fast fleet foggy fresh gentle
  golden grand happy hardy humble jolly keen kind laden light lively lucky mellow merry misty nimble noble open patient placid proud quick quiet ready
  rested rolling salty serene silver sleek snug spry steady still stout sunny sure swift tidal trim true upright vivid warm windy wise`.split(/\s+/)
const nouns = `albatross anchor barge bay beacon bollard bosun bow brig buoy cable capstan cleat clipper cove current cutter davit deck dinghy dock dolphin
  ferry fjord frigate galley gull halyard harbor hatch hawser heron hull inlet isle jetty jib keel ketch lagoon lantern ledge lighthouse lock mast mole
  mooring narrows oar osprey pelican pier pilot plank porthole prow quay reef rigging rope rudder sail schooner seal shoal shore skiff slip sloop spar
  spray starboard stern strait surf tender tide tiller trawler tug wake wave wharf winch yawl`.split(/\s+/)

/** Takes a free name for a container that publishes so many ports; of the engine's form `adjective_noun`, with digits behind it when the plain ones are used up. */
export async function takeGeneratedName(call: Call, ports: number, limits = quota(call.policy, 'container', ports)): Promise<string> {
  for (let attempt = 0; attempt < 12; attempt++) {
    const random = call.randomHex()
    const plain = `${pick(adjectives, random.slice(0, 8))}_${pick(nouns, random.slice(8, 16))}`
    const name = attempt < 4 ? plain : `${plain}${parseInt(random.slice(16, 20), 16)}`
    const result = await call.store.reserve({ ns: call.ns, kind: 'container', name, ...limits })
    if (result.outcome === 'reserved') return name
    if (result.outcome === 'full') return overFull(call, 'container', result, () => takeGeneratedName(call, ports, { size: ports }))
    if (result.outcome === 'closed') throw new Refusal(503, 'this namespace is being closed; open a new one')
  }
  throw new Refusal(500, 'no free container name was found; name the container')
}

function pick(words: readonly string[], random: string): string {
  return words[parseInt(random, 16) % words.length]!
}

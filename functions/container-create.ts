import { jsonBody } from '../lib/body.ts'
import { endpoint, type Call, type Plan } from '../lib/endpoint.ts'
import { owned } from '../lib/ensure.ts'
import { takeGeneratedName } from '../lib/containers/generated-name.ts'
import { echoOf, storedHostConfig } from '../lib/containers/host-config.ts'
import { networking } from '../lib/containers/network.ts'
import { at } from '../lib/engine-path.ts'
import { compareVersions } from '../lib/go.ts'
import { storedName } from '../lib/names.ts'
import { wantedPorts } from '../lib/ports.ts'
import { text } from '../lib/query.ts'
import type { VisibleImage } from '../lib/resolve.ts'
import { claimAnonymousVolumes } from '../lib/reconcile.ts'
import { Refusal } from '../lib/refusal.ts'
import { slowed } from '../lib/schemas/healthcheck.ts'
import { checkContainerName } from '../lib/schemas/names.ts'
import { checkPortCount } from '../lib/schemas/ports.ts'
import { containerCreateSchema, type ContainerCreate } from '../lib/schemas/container-create.ts'
import type { Policy } from '../lib/policy.ts'
import type { Claim } from '../lib/store.ts'

type CreateCall = Call<{ name: string | undefined; platform: string | undefined }, ContainerCreate>

const schemas = new WeakMap<Policy, ReturnType<typeof containerCreateSchema>>()

function schemaOf(policy: Policy) {
  const known = schemas.get(policy) ?? containerCreateSchema(policy)
  schemas.set(policy, known)
  return known
}

/** `POST /containers/create` (Engine API, ContainerCreate; engine-api.md B.2-B.4). */
export const containerCreate = endpoint({
  name: 'ContainerCreate', route: 'POST /containers/create', query: { name: text, platform: text }, body: jsonBody(schemaOf), bodyNeeded: true,
  plan,
  async claims(answer, call, { reserve }) {
    if (reserve?.facts?.volumes === true) await claimAnonymousVolumes(call.host, call.store, call.ns, answer.Id)
  },
  present(answer, { body, host }: CreateCall) {
    const { PortBindings = {}, PublishAllPorts } = body.HostConfig ?? {}
    const unreached = host.publishOn === undefined && (PublishAllPorts || Object.keys(PortBindings).length > 0)
    return unreached ? { ...answer, Warnings: [...answer.Warnings ?? [], unrelayed] } : answer
  },
})

const unrelayed = 'Published ports are not relayed here: the gateway does not reach the loopback of the engine\'s host (the operator may set ports.reach). Containers reach each other on their networks.'

async function plan(call: CreateCall): Promise<Plan> {
  const { body, query } = call
  const given = query.name ? checkContainerName(query.name) : undefined
  const image = await call.resolve.image(body.Image ?? '')
  const inImage = (await call.host.image(image.id))?.Config ?? {}
  const wish = body.HostConfig ?? {}
  const exposed = [...new Set([...Object.keys(inImage.ExposedPorts ?? {}), ...Object.keys(body.ExposedPorts ?? {})])]
  const wanted = wantedPorts(wish.PortBindings, wish.PublishAllPorts, exposed)
  const ports = checkPortCount(wanted, 'HostConfig.PortBindings', call.policy)
  const hostConfig = await storedHostConfig(call, wish, wanted)
  const name = given ?? await takeGeneratedName(call, ports)
  const { mode, endpoints } = await networking(call, body, name)
  const check = slowed(body.Healthcheck, inImage.Healthcheck)
  return {
    path: at`/containers/create`,
    query: { name: storedName(call.ns, name), platform: query.platform || undefined },
    body: {
      ...body, Image: asNamed(image, body.Image ?? ''), Labels: owned(call.ns, body.Labels), ...(check && { Healthcheck: check }),
      HostConfig: { ...hostConfig, NetworkMode: mode },
      NetworkingConfig: endpoints && { EndpointsConfig: endpoints },
    },
    reserve: {
      kind: 'container', name, size: ports, held: given === undefined, taken: conflict,
      facts: {
        image: body.Image, echo: { ...echoOf(wish, hostConfig, call.ns), ...shownMode(call, wish.NetworkMode) },
        ...(aliased(body, name) && { aliased: true }), ...(mayHaveVolumes(body, inImage) && { volumes: true }),
        ...(Object.keys(wanted).length > 0 && { ports: wanted }),
      },
    },
  }
}

/** The engine tells in events of the name it was given: without a tag where the job gave none. */
function asNamed({ reference, onEngine }: VisibleImage, wanted: string): string {
  return reference === undefined || wanted.endsWith(':latest') ? onEngine : onEngine.replace(/:latest$/, '')
}

/** Engines before API 1.45 show the default network as the client called it, newer ones as `bridge`, which is what it is in the answer anyway. */
function shownMode({ host }: CreateCall, asked = ''): { NetworkMode?: string } {
  const older = compareVersions(host.facts().apiVersion, '1.45') < 0
  return older && (asked === '' || asked === 'default') ? { NetworkMode: 'default' } : {}
}

function conflict(claim: Claim): Refusal {
  return new Refusal(409, `Conflict. The container name "/${claim.name}" is already in use by container ${JSON.stringify(claim.id ?? '')}. You have to remove (or rename) that container to be able to reuse that name.`)
}

/** Did the job itself send the container's name as an alias? Then it is shown, as it would be. */
function aliased(body: ContainerCreate, name: string): boolean {
  return Object.values(body.NetworkingConfig?.EndpointsConfig ?? {}).some((settings) => settings.Aliases?.includes(name))
}

/** The engine names anonymous volumes itself; they are looked up after the create. */
function mayHaveVolumes(body: ContainerCreate, inImage: { Volumes?: Record<string, unknown> | null }): boolean {
  const { Binds = [], Mounts = [] } = body.HostConfig ?? {}
  return Object.keys({ ...inImage.Volumes, ...body.Volumes }).length > 0
    || Binds.some((bind) => !bind.includes(':')) || Mounts.some((mount) => mount.Type === 'volume' && !mount.Source)
}

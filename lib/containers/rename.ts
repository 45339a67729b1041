import type { Call, Reply } from '../endpoint.ts'
import { at } from '../engine-path.ts'
import { storedName } from '../names.ts'
import { Refusal } from '../refusal.ts'
import { checkContainerName } from '../schemas/names.ts'

/**
 * Gives a container another job name (Engine API, ContainerRename). The name in the store moves first, so that two renames cannot meet;
 * it moves back when the engine refuses.
 */
export async function renameContainer(call: Call<{ name: string | undefined }>): Promise<Reply> {
  const name = checkContainerName(call.query.name ?? '', 'rename')
  const before = call.claim!.name
  const send = () => call.ask({ method: 'POST', path: at`/containers/${call.id}/rename`, query: { name: storedName(call.ns, name) } })
  if (name !== before) await moveName(call, before, name)
  try {
    await send()
  } catch (error) {
    if (name !== before) await call.store.rename(call.ns, 'container', name, before)
    throw error
  }
  const alias = (call.claim!.facts.alias as string | undefined) ?? before
  const moved = await moveAlias(call, alias, name)
  await remember(call, name, moved ? undefined : alias)
  return { status: 204 }
}

/** Before a start: the alias of a container that ran when it was renamed follows its name. */
export async function followName(call: Call<any>): Promise<void> {
  const { alias } = call.claim!.facts
  if (typeof alias !== 'string' || !await moveAlias(call, alias, call.claim!.name)) return
  await remember(call, call.claim!.name, undefined)
}

/** `alias`: the one that the container has in its networks instead of its name. */
async function remember(call: Call<any>, name: string, alias: string | undefined): Promise<void> {
  const claim = await call.store.byName(call.ns, 'container', name)
  if (claim?.id === undefined || claim.facts.alias === alias) return
  const { alias: _, ...facts } = claim.facts
  await call.store.claim({ ns: call.ns, kind: 'container', name, id: claim.id, facts: { ...facts, ...(alias !== undefined && { alias }) } })
}

async function moveName(call: Call<any>, before: string, name: string): Promise<void> {
  if (await call.store.rename(call.ns, 'container', before, name) !== 'taken') return
  const holder = await call.store.byName(call.ns, 'container', name)
  throw new Refusal(409, `Error when allocating new name: Conflict. The container name "/${name}" is already in use by container "${holder?.id ?? ''}". `
    + 'You have to remove (or rename) that container to be able to reuse that name.')
}

/**
 * The job name is a network alias, and aliases are fixed when a container joins a network. A container that is not running joins again
 * under its new name; a running one would lose its connections and keeps the old alias until it is started the next time (false).
 */
async function moveAlias(call: Call<any>, before: string, name: string): Promise<boolean> {
  const container = await call.ask({ method: 'GET', path: at`/containers/${call.id}/json` })
  if (container.State?.Running === true) return false
  for (const [network, endpoint] of Object.entries<any>(container.NetworkSettings?.Networks ?? {})) {
    const claim = await call.store.byName(call.ns, 'network', network)
    if (claim?.id === undefined || !endpoint?.Aliases?.includes(before)) continue
    const { Aliases, IPAMConfig, Links, MacAddress } = endpoint
    await call.ask({ method: 'POST', path: at`/networks/${claim.id}/disconnect`, body: { Container: call.id, Force: false } })
    const settings = { IPAMConfig, Links: Links?.map((link: string) => storedName(call.ns, link)), MacAddress, Aliases: [...new Set([...Aliases.filter((alias: string) => alias !== before), name])] }
    await call.ask({ method: 'POST', path: at`/networks/${claim.id}/connect`, body: { Container: call.id, EndpointConfig: settings } })
  }
  return true
}

/**
 * Job names of containers, networks and volumes, checked before a namespace is put in front of them: with it in front the engine
 * would accept names that it refuses by themselves.
 */
import { namespaceToken, storedName, storedRegistry } from '../names.ts'
import { Refusal } from '../refusal.ts'

const nameCharacters = '[a-zA-Z0-9][a-zA-Z0-9_.-]'
const namePattern = new RegExp(`^${nameCharacters}+$`)

const unusable = /\p{Cc}|^container:/u

/** Longest file name of the engine's file systems; a volume is a folder. */
const maxFileName = 255

/** Longest job name whose stored name is still a file name. */
export const maxName = maxFileName - storedName(namespaceToken(new Uint8Array(16)), '').length

/** Networks that every engine has and nobody removes. */
export function isPredefinedNetwork(name: string): boolean {
  return ['bridge', 'host', 'none', 'default'].includes(name)
}

/**
 * The job name in what a client calls a container (one leading slash is left out).
 * Throws `Refusal` 400 with the engine's text for a create or a rename (daemon/names.go, reserveName; daemon/rename.go).
 */
export function checkContainerName(name: string, verb: 'create' | 'rename' = 'create'): string {
  const bare = name.startsWith('/') ? name.slice(1) : name
  if (verb === 'rename' && name === '') throw new Refusal(400, 'Neither old nor new names may be empty', 'name')
  const prefix = verb === 'rename' ? 'Error when allocating new name: ' : ''
  const shown = verb === 'rename' ? `/${bare}` : name
  if (!namePattern.test(bare)) throw new Refusal(400, `${prefix}Invalid container name (${shown}), only ${nameCharacters} are allowed`, 'name')
  if (bare.length > maxName) throw new Refusal(400, `${prefix}container name is too long, names should be at most ${maxName} characters`, 'name')
  return bare
}

/**
 * A network's job name: any text without control characters, since engines take any, but none that reads as the network of a container or as
 * what the gateway calls images on an engine.
 * Throws `Refusal`: 403 with the engine's text for the predefined networks (daemon/network.go), 400 for the rest.
 */
export function checkNetworkName(name: string): string {
  if (isPredefinedNetwork(name)) throw new Refusal(403, `operation is not permitted on predefined ${name} network `, 'Name')
  if (name.trim() === '') throw new Refusal(400, 'invalid name: name is empty', 'Name')
  if (unusable.test(name) || name.includes(`${storedRegistry}/`)) throw new Refusal(400, `Name: ${JSON.stringify(name.slice(0, 100))} is not a network name here: leave out control characters, "container:" and "${storedRegistry}/"`, 'Name')
  if (name.length > maxName) throw new Refusal(400, `network name is too long, names should be at most ${maxName} characters`, 'Name')
  return name
}

/** A volume's job name. Throws `Refusal` 400 with the engine's texts (daemon/volume/local/local.go, validateName, behind `create NAME: `). */
export function checkVolumeName(name: string, field = 'Name'): string {
  const refuse = (why: string) => new Refusal(400, `create ${name}: ${why}`, field)
  if (name.length === 1) throw refuse('volume name is too short, names should be at least two alphanumeric characters')
  if (!namePattern.test(name)) {
    throw refuse(`${JSON.stringify(name)} includes invalid characters for a local volume name, only "${nameCharacters}" are allowed. `
      + 'If you intended to pass a host directory, use absolute path')
  }
  if (name.length > maxName) throw refuse(`volume name is too long, names should be at most ${maxName} characters`)
  return name
}

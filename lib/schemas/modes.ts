/** The namespaces a container shares: NetworkMode, PidMode, IpcMode and their like (api/types/container/hostconfig.go). */
import { forbidden, Refusal } from '../refusal.ts'

export type NetworkMode =
  | { kind: 'default' }
  | { kind: 'none' }
  | { kind: 'container'; ref: string }
  | { kind: 'network'; name: string }

const prefix = 'container:'

/** Throws `Refusal`: 403 for `host`, 400 with the engine's text for `container:` without a container. */
export function parseNetworkMode(mode: string, at = 'HostConfig.NetworkMode'): NetworkMode {
  if (mode === '' || mode === 'default' || mode === 'bridge') return { kind: 'default' }
  if (mode === 'none') return { kind: 'none' }
  if (mode === 'host') {
    throw forbidden({
      field: at,
      why: 'host would put the container into the network of the engine\'s host',
      instead: 'publish ports (-p), or create a network and join the containers to it',
    })
  }
  if (mode === 'container' || mode === prefix) {
    throw new Refusal(400, 'invalid network mode: invalid container format container:<name|id>', at)
  }
  return mode.startsWith(prefix) ? { kind: 'container', ref: mode.slice(prefix.length) } : { kind: 'network', name: mode }
}

export type PidMode = { kind: 'own' } | { kind: 'container'; ref: string }

/** Throws `Refusal`: 403 for `host`, 400 with the engine's text for anything else it does not know. */
export function parsePidMode(mode: string, at = 'HostConfig.PidMode'): PidMode {
  if (mode === '') return { kind: 'own' }
  if (mode === 'host') {
    throw forbidden({ field: at, why: 'host would show every process of the engine\'s host', instead: 'use container:NAME with a container of this namespace' })
  }
  if (mode.startsWith(prefix) && mode !== prefix) return { kind: 'container', ref: mode.slice(prefix.length) }
  throw new Refusal(400, `invalid PID mode: ${mode}`, at)
}

export type IpcMode = { kind: 'own'; mode: string } | { kind: 'container'; ref: string }

/** Throws `Refusal`: 403 for `host`, 400 with the engine's text for anything else it does not know. */
export function parseIpcMode(mode: string, at = 'HostConfig.IpcMode'): IpcMode {
  if (['', 'none', 'private', 'shareable'].includes(mode)) return { kind: 'own', mode }
  if (mode === 'host') {
    throw forbidden({ field: at, why: 'host would share the memory of the engine\'s host', instead: 'use shareable, and container:NAME in the other container' })
  }
  if (mode.startsWith(prefix) && mode !== prefix) return { kind: 'container', ref: mode.slice(prefix.length) }
  throw new Refusal(400, `invalid IPC mode: ${mode}`, at)
}

/** Empty. Throws `Refusal`: 403 for `host`, 400 with the engine's text for the rest. */
export function checkUtsMode(mode: string, at: string): void {
  if (mode === '') return
  if (mode !== 'host') throw new Refusal(400, `invalid UTS mode: ${mode}`, at)
  throw forbidden({ field: at, why: 'host would rename the engine\'s host', instead: 'leave it out' })
}

/** Empty or `private`. Throws `Refusal`: 403 for `host`, 400 with the engine's text for the rest. */
export function checkCgroupnsMode(mode: string, at: string): void {
  if (mode === '' || mode === 'private') return
  if (mode !== 'host') throw new Refusal(400, `invalid cgroup namespace mode: ${mode}`, at)
  throw forbidden({ field: at, why: 'host would show the control groups of the engine\'s host', instead: 'leave it unset or use private' })
}

/** Empty or `default`, as on every Linux engine. Throws `Refusal` 400 with the engine's text. */
export function checkIsolation(isolation: string, at: string): void {
  if (!['', 'default'].includes(isolation.toLowerCase())) throw new Refusal(400, `invalid isolation '${isolation}' on linux`, at)
}

import type { HostFacts } from '../engine.ts'

/** What `DriverStatus` of `GET /info` says of containerd's image store, which clients look for. */
export const containerdStatus = ['driver-type', 'io.containerd.snapshotter.v1'] as const

/** Does the engine keep its images in containerd's store? */
export function hasContainerdStore({ info }: Pick<HostFacts, 'info'>): boolean {
  const status: unknown = info.DriverStatus
  return Array.isArray(status) && status.some((pair: unknown) => Array.isArray(pair) && containerdStatus.every((text, at) => pair[at] === text))
}

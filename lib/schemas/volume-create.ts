/** The body of `POST /volumes/create` (Engine API, VolumeCreate). */
import { forbidden } from '../refusal.ts'
import { allow, anything, drop, force, type ReadBy, rewrite, struct, text } from '../schema.ts'
import { labels } from './labels.ts'
import { checkVolumeName } from './names.ts'

export const volumeCreate = struct('volume.CreateOptions', {
  /** Empty: the gateway makes one up. */
  Name: rewrite(text, (name) => void (name === '' || checkVolumeName(name))),
  Driver: allow(text, (driver, at) => {
    if (driver === '' || driver === 'local') return
    throw forbidden({ field: at, why: 'volume drivers are programs of the engine\'s host', instead: 'use the driver "local"' })
  }),
  DriverOpts: force(anything, {
    why: 'driver options can mount any folder, disk or network share of the engine\'s host',
    instead: 'leave it out; fill the volume with docker cp',
  }),
  Labels: rewrite(labels),
  // Of volumes as they are shown, which clients send back; the engine ignores them.
  Mountpoint: drop(anything),
  Scope: drop(anything),
  ClusterVolumeSpec: force(anything, { why: 'there are no cluster volumes here', instead: 'leave it out' }),
})

export type VolumeCreate = ReadBy<typeof volumeCreate>

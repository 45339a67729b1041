/** `Ulimits`: process limits a container may set for itself. */
import type { Policy } from '../policy.ts'
import { forbidden, Refusal } from '../refusal.ts'
import { allow, int64, list, quota, struct, text } from '../schema.ts'

const allowed = ['as', 'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nofile', 'nproc', 'rss', 'sigpending', 'stack']

/** What Linux allows a process at most by default (fs.nr_open). */
const maxFiles = 1024 ** 2

/** The most a limit may be; -1 (unlimited) in a request means the most. Undefined: as much as the job likes. */
export function ulimitCeiling(name: string, policy: Policy): number | undefined {
  if (name === 'nofile') return maxFiles
  return name === 'memlock' ? policy.limits.memory : undefined
}

const ulimit = struct('units.Ulimit', {
  Name: allow(text, (name, at) => {
    if (allowed.includes(name)) return
    if (!['nice', 'rtprio', 'rttime'].includes(name)) throw new Refusal(400, `invalid ulimit type: ${name}`, at)
    throw forbidden({ field: at, why: `${name} takes processor time from other namespaces`, instead: `the limits that can be set are ${allowed.join(', ')}` })
  }),
  Hard: quota(int64, () => undefined),
  Soft: quota(int64, () => undefined),
})

export const ulimits = list(ulimit)

export type Ulimits = Array<{ Name?: string; Hard?: number | bigint; Soft?: number | bigint }>

/** Values above the ceilings are a 403. */
export function checkUlimits(list: Ulimits, at: string, policy: Policy): void {
  for (const { Name = '', Hard = 0, Soft = 0 } of list) {
    const most = ulimitCeiling(Name, policy)
    if (most !== undefined && (Hard > most || Soft > most)) {
      throw forbidden({ field: at, why: `${Name} is above the ${most} that a container may have`, instead: 'ask for less, or -1 for the most' })
    }
  }
}

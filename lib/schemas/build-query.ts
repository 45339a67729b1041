/**
 * What is done with each query parameter of `POST /build` (Engine API, ImageBuild). Data for the build endpoint and for the test that no
 * parameter of the engine is forgotten.
 */
import type { Reason, Verdict } from '../schema.ts'

/** refuse: a value at all is a 403. The other verdicts are those of bodies. */
export interface BuildParameter {
  verdict: Verdict | 'refuse'
  /** Why it is not simply passed on. */
  reason?: Reason
  /** Values that are let through all the same. */
  except?: readonly string[]
}

const pass: BuildParameter = { verdict: 'pass' }

function rewritten(why: string): BuildParameter {
  return { verdict: 'rewrite', reason: { why, instead: 'nothing to do: the gateway replaces it' } }
}

const limits = { why: 'builds run under the limits of the namespace', instead: 'leave it out' }
const cgroup = { why: 'it would move build steps out of this namespace\'s control group', instead: 'leave it out' }
const security = { why: 'it would replace the engine\'s own protection of build steps', instead: 'leave it out' }
const pinning = { why: 'cores and memory of the engine\'s host are shared with other namespaces', instead: 'leave it out' }

export const buildQuery: Readonly<Record<string, BuildParameter>> = {
  dockerfile: pass,
  target: pass,
  q: pass,
  nocache: pass,
  pull: pass,
  platform: pass,
  version: { verdict: 'allow', reason: { why: 'there are two builders', instead: 'use 1 or 2' }, except: ['1', '2'] },
  rm: pass,
  forcerm: { verdict: 'force', reason: { why: 'a failed step would leave a container behind that nobody owns', instead: 'leave it out: it is always on' } },
  t: rewritten('tags are names of the namespace'),
  labels: rewritten('labels of the gateway cannot be set'),
  buildargs: rewritten('BUILDKIT_CACHE_MOUNT_NS keeps cache mounts of namespaces apart'),
  cachefrom: rewritten('images are looked up in the namespace'),
  session: rewritten('sessions belong to a namespace'),
  buildid: rewritten('builds belong to a namespace'),
  extrahosts: rewritten('host-gateway means the namespace\'s own gateway'),
  outputs: { verdict: 'allow', reason: { why: 'other outputs would write to the engine\'s host', instead: 'use the outputs docker build sends (--output type=local or type=tar)' } },
  remote: {
    verdict: 'refuse',
    reason: { why: 'the engine would fetch it from its own network, which reaches what jobs cannot', instead: 'clone or download it in the job and send it as the context' },
    except: ['client-session'],
  },
  networkmode: {
    verdict: 'force',
    reason: { why: 'host and container: reach networks outside the namespace', instead: 'leave it out, or use none' },
    except: ['default', 'none'],
  },
  shmsize: { verdict: 'quota', reason: limits },
  memory: { verdict: 'quota', reason: limits },
  memswap: { verdict: 'quota', reason: limits },
  cpushares: { verdict: 'quota', reason: limits },
  cpuperiod: { verdict: 'quota', reason: limits },
  cpuquota: { verdict: 'quota', reason: limits },
  ulimits: { verdict: 'quota', reason: limits },
  cpusetcpus: { verdict: 'force', reason: pinning },
  cpusetmems: { verdict: 'force', reason: pinning },
  cgroupparent: { verdict: 'force', reason: cgroup },
  securityopt: { verdict: 'force', reason: security },
  isolation: { verdict: 'force', reason: { why: 'Linux engines have one kind', instead: 'leave it out' } },
  squash: { verdict: 'force', reason: { why: 'it is an experiment of the engine that copies layers instead of sharing them', instead: 'use a build with several stages' } },
}

import * as v from 'valibot'
import { defaultPolicy, policySchema, type Policy } from './policy.ts'

const gib = 1024 ** 3

/** Policies that every gateway has until its config writes others of their names. */
export const presets: Readonly<Record<'default' | 'strict' | 'build-only' | 'testcontainers', Policy>> = {
  /** For jobs of one's own people. */
  default: defaultPolicy,
  /** For jobs of strangers: shared and loaded images only, nothing published, no RUN cache from others, gone soon. */
  strict: v.parse(policySchema, {
    lifetime: 3600, idle: 900, registries: [], build: { cache: 'namespace' },
    limits: { memory: 2 * gib, cpus: 1, pids: 1024, shm: gib / 4, containers: 20, networks: 5, volumes: 20, images: 50, ports: 0, connections: 100 },
  }),
  /** For jobs that build, push and pull, and run nothing. */
  'build-only': v.parse(policySchema, { lifetime: 7200, idle: 3600, limits: { memory: 4 * gib, containers: 0, networks: 0, volumes: 0, images: 200, ports: 0 } }),
  /** For test suites that start many short containers and dial their ports. */
  testcontainers: v.parse(policySchema, { lifetime: 7200, idle: 1800, limits: { memory: 4 * gib, pids: 8192, containers: 200, networks: 100, volumes: 400, ports: 1000 } }),
}

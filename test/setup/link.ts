import { must } from './command.ts'
import type { Engine } from './engine.ts'
import { networkOf } from './engine-directory.ts'

/** Addresses by which this machine and an engine's network reach each other. */
export interface Link {
  near: string
  far: string
  /** Another one of the engine. */
  other: string
}

/** Links of this process so far. */
let links = 0

/** The addresses of the next link: each has eight of those for benchmarks (RFC 2544), and goes with the engine's network. */
export function nextLink(): Link & { up(engine: Engine): void } {
  const nth = links++
  const at = (host: number) => `198.${18 + Math.floor(process.pid / 256) % 2}.${process.pid % 256}.${nth * 8 + host}`
  const [near, far, other] = [at(1), at(2), at(3)]
  return {
    near, far, other,
    up({ directory }) {
      const [device, network] = [`moor${process.pid % 100000}-${nth}`, networkOf(directory).name]
      must('ip', ['link', 'add', device, 'type', 'veth', 'peer', 'name', 'outside', 'netns', network])
      must('ip', ['address', 'add', `${near}/29`, 'dev', device])
      must('ip', ['link', 'set', device, 'up'])
      for (const address of [far, other]) must('ip', ['-n', network, 'address', 'add', `${address}/29`, 'dev', 'outside'])
      must('ip', ['-n', network, 'link', 'set', 'outside', 'up'])
    },
  }
}

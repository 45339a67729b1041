import { mkdtempSync, rmSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from './command.ts'

/** A file system of its own that can be filled. */
export interface SmallDisk {
  directory: string
  /** Leaves not a byte free. */
  fill(): void
  /** Gives the room back. */
  empty(): void
  /** To be called when nobody uses it any more. */
  stop(): void
}

export function smallDisk(size = '8m'): SmallDisk {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-disk-'))
  must('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'moorage-test', directory])
  const filler = join(directory, 'filler')
  const unmount = () => {
    must('umount', ['--lazy', directory])
    rmdirSync(directory)
  }
  process.once('exit', unmount)
  return {
    directory,
    fill() {
      const { bavail, bsize } = statfsSync(directory)
      writeFileSync(filler, Buffer.alloc(bavail * bsize), { flag: 'a' })
    },
    empty: () => rmSync(filler, { force: true }),
    stop() {
      process.off('exit', unmount)
      unmount()
    },
  }
}

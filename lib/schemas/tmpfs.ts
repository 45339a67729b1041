/** Memory file systems of containers: `HostConfig.Tmpfs` and the tmpfs mounts of `HostConfig.Mounts`. */
import { permit, type Policy } from '../policy.ts'
import { forbidden, Refusal } from '../refusal.ts'
import { aboveLimit } from './limits.ts'
import { parseSize, sizeWords } from './sizes.ts'
import { targetFault } from './paths.ts'

const words = ['rw', 'ro', 'exec', 'noexec', 'nosuid', 'nodev']
const numbers = ['mode', 'uid', 'gid']

/** The options of one tmpfs, `rw,size=64m,mode=1777`. Throws `Refusal`: 403 for options off the list and sizes above `limits.shm`, 400 for bad numbers. */
export function checkTmpfsOptions(options: string, at: string, policy: Policy): void {
  for (const option of options === '' ? [] : options.split(',')) {
    const [name = '', value] = option.split(/=(.*)/s)
    if (value === undefined && words.includes(name)) continue
    if (value !== undefined && numbers.includes(name)) checkNumber(name, value, at)
    else if (value !== undefined && name === 'size') checkTmpfsSize(parseTmpfsSize(value, at), at, policy)
    else throw forbidden({ field: at, why: `the option ${JSON.stringify(option.slice(0, 60))} is not on the list`, instead: `use ${[...words, 'size=', 'mode=', 'uid=', 'gid='].join(', ')}` })
  }
}

function checkNumber(name: string, value: string, at: string): void {
  if (!/^\d{1,10}$/.test(value)) throw new Refusal(400, `${at}: ${name}=${value.slice(0, 60)} is not a number`, at)
}

function parseTmpfsSize(value: string, at: string): number {
  const bytes = parseSize(value)
  if (bytes === undefined || bytes === 0) throw new Refusal(400, `${at}: size=${value.slice(0, 60)} is not a size; write bytes, or a number with k, m or g`, at)
  return bytes
}

export function checkTmpfsSize(bytes: number | bigint, at: string, policy: Policy): void {
  const { shm } = policy.limits
  if (bytes < 0) throw new Refusal(400, `${at}: a size cannot be negative`, at)
  if (bytes > shm) permit(policy, aboveLimit(at, 'limits.shm', sizeWords(shm), Number(bytes)))
}

/** The keys of `HostConfig.Tmpfs`: absolute paths in the container, not its root. */
export function checkTmpfsTarget(target: string, at: string): void {
  const fault = targetFault(target)
  if (fault !== undefined) throw new Refusal(400, `invalid mount config for type "tmpfs": ${fault}`, at)
}

/** The options with a size: the job's, or the limit when it named none. */
export function sizedTmpfsOptions(options: string, policy: Policy): string {
  if (options.split(',').some((option) => option.startsWith('size='))) return options
  return [...(options === '' ? [] : [options]), `size=${policy.limits.shm}`].join(',')
}

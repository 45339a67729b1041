/** What may change a container's rights: capabilities, security options, kernel settings. All are lists of what is allowed. */
import { optionalCapabilities, permit, type Policy } from '../policy.ts'
import { forbidden, Refusal } from '../refusal.ts'

/** What the engine gives every container (daemon/pkg/oci/caps, defaults). */
const defaultCapabilities = ('AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID '
  + 'SYS_CHROOT').split(' ')

const knownCapabilities = new Set([...defaultCapabilities, ...('ALL AUDIT_CONTROL AUDIT_READ BLOCK_SUSPEND BPF CHECKPOINT_RESTORE DAC_READ_SEARCH '
  + 'IPC_LOCK IPC_OWNER LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE NET_ADMIN NET_BROADCAST PERFMON SYS_ADMIN SYS_BOOT SYS_MODULE SYS_NICE SYS_PACCT '
  + 'SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG SYSLOG WAKE_ALARM').split(' ')])

function bareCapability(name: string): string {
  return name.trim().toUpperCase().replace(/^CAP_/, '')
}

/** `CapAdd`: the engine's default set and what the policy adds. Throws `Refusal`: 403, or 400 with the engine's text for unknown names. */
export function checkCapAdd(names: string[], at: string, policy: Policy): void {
  const allowed = new Set<string>([...defaultCapabilities, ...policy.capabilities])
  for (const name of names) {
    const bare = bareCapability(name)
    if (allowed.has(bare)) continue
    if (!knownCapabilities.has(bare)) throw new Refusal(400, `invalid CapAdd: unknown capability: ${JSON.stringify(`CAP_${bare}`)}`, at)
    const isOptional = optionalCapabilities.some((one) => one === bare)
    permit(policy, forbidden({
      field: at,
      why: `${bare} gives rights over the engine's host or other namespaces that this namespace's policy does not grant`,
      instead: `the capabilities it may add are ${[...allowed].sort().join(', ')}; ask the operator for more (policy: capabilities)`,
    }, isOptional ? { path: 'capabilities', value: bare } : undefined))
  }
}

const noNewPrivileges = ['no-new-privileges', 'no-new-privileges=true', 'no-new-privileges:true']

/** `SecurityOpt`: only what takes rights away. */
export function checkSecurityOpt(options: string[], at: string): void {
  const refused = options.find((option) => !noNewPrivileges.includes(option))
  if (refused === undefined) return
  throw forbidden({
    field: at,
    why: `${JSON.stringify(refused.slice(0, 60))} would replace the engine's own protection (seccomp, AppArmor, labels) by the job's`,
    instead: 'leave it out; no-new-privileges is the option that is allowed',
  })
}

/** Settings that belong to the container's own network or IPC namespace. Slashes are never part of them: they name other files of /proc/sys. */
const namespacedSysctls = [/^net(\.[\w-]+)+$/, /^kernel\.shm\w+$/, /^kernel\.msg\w+$/, /^kernel\.sem$/, /^fs\.mqueue(\.\w+)+$/]

export function checkSysctls(sysctls: Record<string, string>, at: string): void {
  const refused = Object.keys(sysctls).find((name) => !namespacedSysctls.some((pattern) => pattern.test(name)))
  if (refused === undefined) return
  throw forbidden({
    field: at,
    why: `${refused.slice(0, 100)} is a setting of the engine's host, not of the container`,
    instead: 'settings under net., kernel.shm, kernel.msg, kernel.sem and fs.mqueue. can be set',
  })
}

/** What engines cover in every container (moby, oci/defaults.go): since 20.10, and by newer ones. */
const masked = '/proc/asound /proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware'.split(' ')
const maskedLater = /^(\/proc\/interrupts|\/sys\/devices\/virtual\/powercap|\/sys\/devices\/system\/cpu\/cpu\d+\/thermal_throttle)$/
const readonly = '/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger'.split(' ')

/** Is `MaskedPaths` what an engine told of another container? Whoever makes a container like that one gets the engine's own paths again. */
export function isDefaultMasked(paths: readonly string[]): boolean {
  return masked.every((path) => paths.includes(path)) && paths.every((path) => masked.includes(path) || maskedLater.test(path))
}

/** The same of `ReadonlyPaths`. */
export function isDefaultReadonly(paths: readonly string[]): boolean {
  return readonly.every((path) => paths.includes(path)) && paths.every((path) => readonly.includes(path))
}

/** The form of platforms (containerd/platforms, Parse). */
const systemForm = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$/
const partForm = /^[A-Za-z0-9_.-]+$/

/** Systems and architectures that can be written alone (containerd/platforms, database.go), with their other spellings. */
const known = new Set(('aix android darwin macos dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos '
  + '386 i386 amd64 x86_64 x86-64 amd64p32 arm armhf armel armbe arm64 aarch64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 '
  + 'mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm').split(' '))

/** What containerd has against the text as a platform, `os[/architecture[/variant]]`; undefined when it is one. */
export function platformComplaint(text: string): string | undefined {
  const [system = '', ...parts] = text.split('/')
  const named = systemForm.exec(system)
  const wrong = (why: string) => `${why}: invalid argument`
  const malformed = (part: string, what: string, form: RegExp) => wrong(`${JSON.stringify(part)} is an invalid ${what} of ${JSON.stringify(text)}: ${form === systemForm ? 'OSAndVersion' : 'platform'} specifier component must match ${JSON.stringify(form.source)}`)
  if (named === null) return malformed(system, 'OS component', systemForm)
  const bad = parts.find((part) => !partForm.test(part))
  if (bad !== undefined) return malformed(bad, 'component', partForm)
  if (parts.length > 2) return wrong(`${JSON.stringify(text)}: cannot parse platform specifier`)
  if (parts.length === 0 && !known.has(named[1]!.toLowerCase())) return wrong(`${JSON.stringify(text)}: unknown operating system or architecture`)
  return undefined
}

const names = new Set(`ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG
  USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX`.split(/\s+/))

/** Is this a signal to the engine: a number but 0, or a name with or without SIG, in any case (moby/sys/signal ParseSignal)? An empty one is its default. */
export function isSignal(text: string): boolean {
  if (text === '') return true
  if (/^[+-]?\d+$/.test(text)) return Number(text) !== 0
  const name = text.toUpperCase().replace(/^SIG/, '')
  return names.has(name) || /^RTMIN\+([1-9]|1[0-5])$/.test(name) || /^RTMAX-([1-9]|1[0-4])$/.test(name)
}

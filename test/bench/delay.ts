import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A relay on loopback that hands bytes on so many milliseconds later, each way. It ends with this process. */
export function delayed(host: string, port: number, milliseconds: number): Promise<number> {
  const relay = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ host, port, allowHalfOpen: true, noDelay: true })
    for (const [from, to] of [[near, far], [far, near]] as const) hand(from, to, milliseconds)
  })
  relay.unref()
  return new Promise((resolve) => relay.listen(0, '127.0.0.1', () => resolve((relay.address() as AddressInfo).port)))
}

/** Timers of one length fire in the order they were set. Nothing is held back: what is under way is for the two ends to bound. */
function hand(from: Socket, to: Socket, milliseconds: number): void {
  const later = (work: () => void) => setTimeout(work, milliseconds)
  from.on('data', (chunk) => later(() => to.write(chunk)))
  from.on('end', () => later(() => to.end()))
  from.on('error', () => later(() => to.destroy()))
  from.on('close', () => later(() => to.destroy()))
}

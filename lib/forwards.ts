/** Which published ports appear where on the machine of a job (`moorage forward`), read from a container's inspect answer. */

/** A port that is to appear. */
export interface Forward {
  /** The container's name, for people. */
  container: string
  /** `80/tcp` */
  port: string
  protocol: 'tcp' | 'udp'
  /** Port numbers it may have on the job's machine, the wished ones first. */
  local: { first: number; last: number }
  /** Port of the gateway that leads to it. */
  gatewayPort: number
}

type Bindings = Record<string, readonly { HostPort?: string }[] | null> | null | undefined

/** Every published port at the number the job asked for; one without a wish at the number that `docker port` shows. */
export function forwardsOf(inspected: { Name: string; HostConfig: { PortBindings?: Bindings }; NetworkSettings: { Ports?: Bindings } }): Forward[] {
  return Object.entries(inspected.NetworkSettings.Ports ?? {}).flatMap(([port, bindings]) => (bindings ?? []).map(({ HostPort }, place) => {
    const gatewayPort = Number(HostPort)
    const wish = inspected.HostConfig.PortBindings?.[port]?.[place]?.HostPort ?? ''
    const [first = 0, last = first] = wish === '' ? [] : wish.split('-').map(Number)
    return {
      container: inspected.Name.replace(/^\//, ''), port, protocol: port.endsWith('/udp') ? 'udp' as const : 'tcp' as const, gatewayPort,
      local: first === 0 ? { first: gatewayPort, last: gatewayPort } : { first, last },
    }
  }))
}

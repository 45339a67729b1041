/** `EndpointSettings`: a container's place in a network (Engine API). Part of container create and network connect. */
import { anything, drop, force, int, list, mapOf, pass, rewrite, struct, text, textList } from '../schema.ts'
import { address, macAddress, parseLink } from './addresses.ts'

const ipamConfig = struct('network.EndpointIPAMConfig', {
  IPv4Address: pass(address),
  IPv6Address: pass(address),
  LinkLocalIPs: pass(list(address)),
})

/** What the engine tells about an endpoint and ignores when clients send it back. */
const operational = {
  NetworkID: drop(text),
  EndpointID: drop(text),
  Gateway: drop(text),
  IPAddress: drop(text),
  IPPrefixLen: drop(int),
  IPv6Gateway: drop(text),
  GlobalIPv6Address: drop(text),
  GlobalIPv6PrefixLen: drop(int),
  DNSNames: drop(textList),
}

export const endpointSettings = struct('network.EndpointSettings', {
  IPAMConfig: pass(ipamConfig),
  Links: rewrite(textList, (links, at) => links.forEach((link) => parseLink(link, at))),
  Aliases: rewrite(textList),
  MacAddress: pass(macAddress),
  GwPriority: pass(int),
  DriverOpts: force(anything, {
    why: 'its keys reach the network driver on the engine\'s host unchecked',
    instead: 'leave it out; settings under net. can be set in HostConfig.Sysctls',
  }),
  ...operational,
})

/** Keys are network names; the pipeline replaces them together with `HostConfig.NetworkMode`. */
export const networkingConfig = struct('network.NetworkingConfig', {
  EndpointsConfig: rewrite(mapOf(endpointSettings)),
})

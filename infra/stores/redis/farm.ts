import type { Farm, HostRecord, Load, TokenRecord } from '../../../lib/farm.ts'
import type { Client } from './client.ts'
import { dutyKey, farmKeys as keys, spentKey } from './keys.ts'

/** What the gateways of a farm share. */
export function farmVerbs(client: Client): Farm {
  return { ...hostVerbs(client), ...sharedVerbs(client) }
}

/** A name in a member of lines: without line ends, and no prefix of another's encoding is a whole one. */
export const line = encodeURIComponent

type HostVerbs = Pick<Farm, 'hosts' | 'putHost' | 'drainHost' | 'removeHost' | 'loads' | 'homes'>

function hostVerbs({ script, ask }: Client): HostVerbs {
  return {
    async hosts() {
      const [records, drained] = await Promise.all([ask((redis) => redis.hgetall(keys.hosts)), ask((redis) => redis.smembers(keys.drained))])
      const hosts = Object.values(records).map((text) => JSON.parse(text) as HostRecord)
      return hosts.map((host) => ({ ...host, drained: drained.includes(host.name) })).sort((a, b) => a.name < b.name ? -1 : 1)
    },
    async putHost({ name, url, tls, memory, cpus }) {
      await ask((redis) => redis.hset(keys.hosts, name, JSON.stringify({ name, url, tls, memory, cpus })))
    },
    drainHost: async (name, drained) => await script('moorageDrain', [keys.hosts, keys.drained], name, drained ? 1 : 0) === 1,
    removeHost: (name) => script('moorageRemoveHost', [keys.hosts, keys.drained, keys.load], name),
    async loads() {
      return new Map(Object.entries(await ask((redis) => redis.hgetall(keys.load))).map(([host, text]) => [host, loadOf(text)]))
    },
    async homes(domain) {
      const members = await ask((redis) => redis.zrangebylex(keys.homes, `[${line(domain)}\n`, `(${line(domain)}\v`))
      return [...new Set(members.map((member) => member.split('\n')[1]!))].sort()
    },
  }
}

function loadOf(text: string): Load {
  const [namespaces, memory, cpus] = text.split('\n').map(Number) as [number, number, number]
  return { namespaces, memory, cpus: cpus / 1000 }
}

type SharedVerbs = Pick<Farm, 'now' | 'takeDuty' | 'leaveDuty' | 'closings' | 'spend' | 'unspend' | 'tokens' | 'addToken' | 'removeToken' | 'keep' | 'kept'>

function sharedVerbs({ script, ask }: Client): SharedVerbs {
  return {
    async now() {
      const [seconds, microseconds] = (await ask((redis) => redis.time())).map(Number) as [number, number]
      return seconds * 1000 + Math.trunc(microseconds / 1000)
    },
    takeDuty: async (duty, gateway, milliseconds) => await script('moorageTakeDuty', [dutyKey(duty)], gateway, milliseconds) === 1,
    async leaveDuty(duty, gateway) {
      await script('moorageLeaveDuty', [dutyKey(duty)], gateway)
    },
    async closings(since) {
      const flat = await ask((redis) => redis.zrangebyscore(keys.closings, since, '+inf', 'WITHSCORES'))
      return flat.flatMap((ns, at) => at % 2 === 0 ? [{ ns, at: Number(flat[at + 1]) }] : [])
    },
    spend: async (what, milliseconds) => await ask((redis) => redis.set(spentKey(what), '', 'PX', Math.ceil(milliseconds), 'NX')) === 'OK',
    async unspend(what) {
      await ask((redis) => redis.del(spentKey(what)))
    },
    async tokens() {
      const records = await ask((redis) => redis.hvals(keys.tokens))
      return records.map((text) => JSON.parse(text) as TokenRecord).sort((a, b) => a.name < b.name ? -1 : 1)
    },
    addToken: async (token) => await ask((redis) => redis.hsetnx(keys.tokens, token.name, JSON.stringify(token))) === 1,
    removeToken: async (name) => await ask((redis) => redis.hdel(keys.tokens, name)) === 1,
    keep: (name, text) => script('moorageKeep', [keys.kept], name, text),
    kept: async (name) => await ask((redis) => redis.hget(keys.kept, name)) ?? undefined,
  }
}

import { longerThanAny } from '../../../lib/farm.ts'

/** Scripts over what the farm shares; each says which of `farmKeys` it takes. */

/** Moments in milliseconds by Redis's own clock. */
const now = `local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`

/** Adds to the load of a host, which KEYS[3] holds. */
const addLoad = `local function loadOf(host)
  local value = redis.call('HGET', KEYS[3], host)
  if not value then return 0, 0, 0 end
  local namespaces, memory, cpus = string.match(value, '^(%d+)\\n(%d+)\\n(%d+)$')
  return tonumber(namespaces), tonumber(memory), tonumber(cpus)
end
local function addLoad(host, sign, memory, cpus)
  local namespaces, before, coresBefore = loadOf(host)
  if namespaces + sign <= 0 then return redis.call('HDEL', KEYS[3], host) end
  redis.call('HSET', KEYS[3], host, string.format('%d\\n%.0f\\n%.0f', namespaces + sign, before + sign * memory, coresBefore + sign * cpus))
end
`

export const farmScripts = {
  /**
   * KEYS: places, on, load, homes, namespaces, openers, hosts, drained. ARGV: namespace, host, domain or '' for its own, memory and cores it takes,
   * and what the host has of them ('' to ask for nothing), milliseconds it may be without a record, opener, how many that may have ('' for any
   * number). Answers the outcome.
   */
  mooragePlace: `${now}${addLoad}
local ns, host, domain, memory, cpus = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
if redis.call('HEXISTS', KEYS[1], ns) == 1 then return 'used' end
if ARGV[10] ~= '' and redis.call('ZLEXCOUNT', KEYS[6], '[' .. ARGV[9] .. '\\n', '(' .. ARGV[9] .. '\\11') >= tonumber(ARGV[10]) then return 'many' end
if ARGV[6] ~= '' then
  if redis.call('HEXISTS', KEYS[7], host) == 0 or redis.call('SISMEMBER', KEYS[8], host) == 1 then return 'drained' end
  local _, taken, cores = loadOf(host)
  if taken + memory > tonumber(ARGV[6]) or cores + cpus > tonumber(ARGV[7]) then return 'full' end
end
redis.call('HSET', KEYS[1], ns, host .. '\\n' .. ARGV[4] .. '\\n' .. ARGV[5] .. '\\n' .. domain .. '\\n' .. ARGV[9])
redis.call('ZADD', KEYS[6], 0, ARGV[9] .. '\\n' .. ns)
redis.call('ZADD', KEYS[2], 0, host .. '\\n' .. ns)
redis.call('ZADD', KEYS[5], now() + tonumber(ARGV[8]), ns)
if domain ~= '' then redis.call('ZADD', KEYS[4], 0, domain .. '\\n' .. host .. '\\n' .. ns) end
addLoad(host, 1, memory, cpus)
return 'opened'`,

  /** KEYS: places, on, load, homes, namespaces, openers. ARGV: namespace. A place may be of a time without openers. */
  moorageVacate: `${addLoad}
redis.call('ZREM', KEYS[5], ARGV[1])
local place = redis.call('HGET', KEYS[1], ARGV[1])
if not place then return end
local host, memory, cpus, domain, opener = string.match(place, '^([^\\n]*)\\n(%d+)\\n(%d+)\\n([^\\n]*)\\n?(.*)$')
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], host .. '\\n' .. ARGV[1])
redis.call('ZREM', KEYS[6], opener .. '\\n' .. ARGV[1])
if domain ~= '' then redis.call('ZREM', KEYS[4], domain .. '\\n' .. host .. '\\n' .. ARGV[1]) end
addLoad(host, -1, tonumber(memory), tonumber(cpus))`,

  /** KEYS: namespaces, closings. ARGV: namespace, milliseconds that closings are kept. */
  moorageTellClosing: `${now}
redis.call('ZADD', KEYS[1], 'XX', 0, ARGV[1])
redis.call('ZADD', KEYS[2], 'NX', now(), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. now() - tonumber(ARGV[2]))`,

  /** KEYS: hosts, drained. ARGV: host, 1 or 0. 1 when the host is known. */
  moorageDrain: `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call(ARGV[2] == '1' and 'SADD' or 'SREM', KEYS[2], ARGV[1])
return 1`,

  /** KEYS: hosts, drained, load. ARGV: host. Answers the outcome. */
  moorageRemoveHost: `
if redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then return 'inhabited' end
redis.call('SREM', KEYS[2], ARGV[1])
return redis.call('HDEL', KEYS[1], ARGV[1]) == 1 and 'removed' or 'unknown'`,

  /** KEYS: a duty. ARGV: gateway, milliseconds. 1 when the gateway has it. */
  moorageTakeDuty: `
local gateway = redis.call('GET', KEYS[1])
if gateway and gateway ~= ARGV[1] and redis.call('PTTL', KEYS[1]) <= ${longerThanAny} then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`,

  /** KEYS: a duty. ARGV: gateway. */
  moorageLeaveDuty: `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`,

  /** KEYS: kept. ARGV: name, text. Answers the text that is kept. */
  moorageKeep: `
redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
return redis.call('HGET', KEYS[1], ARGV[1])`,
} as const

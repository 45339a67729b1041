import { farmScripts } from './farm-scripts.ts'
import { turnScripts } from './turn-scripts.ts'

/**
 * One Lua script per verb: Redis runs each of them alone, so a verb is atomic inside its namespace.
 *
 * KEYS are record, names and ids of one kind of one namespace (keys.ts) where nothing else is said. A value in names is three lines:
 * number and size, id, facts. All keys of a script share one hash tag, so that every script runs on a cluster.
 */

const open = `redis.call('HGET', KEYS[1], 'state') == 'open'`

/** Splits a value of a names hash. */
const parts = `local function parts(value) return string.match(value, '^(%d+ ?%d*)\\n([^\\n]*)\\n(.*)$') end
`

/** Calls `found(name, value)` for each claim on an id in this namespace, until it answers true. The bounds are of a ZRANGEBYLEX. */
const eachOf = `${parts}
local function eachOf(from, to, found)
  for _, member in ipairs(redis.call('ZRANGEBYLEX', KEYS[3], from, to)) do
    local id, name = string.match(member, '^([^\\n]*)\\n(.*)$')
    local value = redis.call('HGET', KEYS[2], name)
    if value then
      local _, claimed = parts(value)
      if claimed == id and found(name, value) then return end
    end
  end
end
`
const wholeId = `'[' .. ARGV[1] .. '\\n', '(' .. ARGV[1] .. '\\11'`

/** Each script by the name of the command that it becomes. */
export const scripts = {
  /** ARGV: the record's fields and values. 1 when it was created, 0 when it exists. */
  moorageOpen: `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1`,

  /** ARGV: end of the lease in milliseconds. Answers when the namespace must be looked at now, or '' when nothing was changed. */
  moorageExtend: `
local lease, expires = unpack(redis.call('HMGET', KEYS[1], 'lease', 'expires'))
if not (${open}) or tonumber(lease) >= tonumber(ARGV[1]) then return '' end
redis.call('HSET', KEYS[1], 'lease', ARGV[1])
return tonumber(expires) < tonumber(ARGV[1]) and expires or ARGV[1]`,

  /** The state it was in, '' for none. */
  moorageClose: `
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return '' end
redis.call('HSET', KEYS[1], 'state', 'closing')
return state`,

  /** KEYS: record, then ids of every kind. Ends claiming and answers the members of each set of ids. */
  moorageEmpty: `
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'state', 'closing') end
local members = {}
for at = 2, #KEYS do members[at - 1] = redis.call('ZRANGE', KEYS[at], 0, -1) end
return members`,

  /** ARGV: name, limit or '', facts, size, room or ''. Answers the outcome, with 'taken' the value, with 'full' of what. */
  moorageReserve: `
if not (${open}) then return {'closed'} end
local value = redis.call('HGET', KEYS[2], ARGV[1])
if value then return {'taken', value} end
if ARGV[2] ~= '' and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[2]) then return {'full', 'count'} end
if ARGV[5] ~= '' then
  local sizes = tonumber(ARGV[4])
  for _, held in ipairs(redis.call('HVALS', KEYS[2])) do sizes = sizes + (tonumber(string.match(held, '^%d+ (%d+)')) or 0) end
  if sizes > tonumber(ARGV[5]) then return {'full', 'size'} end
end
redis.call('HSET', KEYS[2], ARGV[1], redis.call('HINCRBY', KEYS[1], 'taken', 1) .. ' ' .. ARGV[4] .. '\\n\\n' .. ARGV[3])
return {'reserved'}`,

  /** ARGV: id, name. Notes a claim that is about to be made, so that whoever empties the namespace finds its entry in the index. */
  moorageIntend: `
if not (${open}) then return 0 end
redis.call('ZADD', KEYS[3], 0, ARGV[1] .. '\\n' .. ARGV[2])
return 1`,

  /** ARGV: id, name, facts, size or ''. Answers whether it is claimed, and the id that the name had before when it was another. */
  moorageClaim: `${parts}
if not (${open}) then return {0, ''} end
local value = redis.call('HGET', KEYS[2], ARGV[2])
local number, before
if value then number, before = parts(value) else number, before = redis.call('HINCRBY', KEYS[1], 'taken', 1), '' end
if ARGV[4] ~= '' then number = string.match(number, '^%d+') .. ' ' .. ARGV[4] end
redis.call('ZADD', KEYS[3], 0, ARGV[1] .. '\\n' .. ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], number .. '\\n' .. ARGV[1] .. '\\n' .. ARGV[3])
return {1, before == ARGV[1] and '' or before}`,

  /** ARGV: name before, name after. */
  moorageRename: `${parts}
local value = redis.call('HGET', KEYS[2], ARGV[1])
local _, id = parts(value or '')
if not id or id == '' then return 'missing' end
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 1 then return 'taken' end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[2], value)
redis.call('ZREM', KEYS[3], id .. '\\n' .. ARGV[1])
redis.call('ZADD', KEYS[3], 0, id .. '\\n' .. ARGV[2])
return 'renamed'`,

  /** ARGV: name. Answers the id it had, '' when it had none. Its member stays in ids until \`moorageForgetId\`. */
  moorageRelease: `${parts}
local value = redis.call('HGET', KEYS[2], ARGV[1])
if not value then return '' end
redis.call('HDEL', KEYS[2], ARGV[1])
local _, id = parts(value)
return id`,

  /** ARGV: id. Answers the names it had. */
  moorageReleaseId: `${eachOf}
local names = {}
eachOf(${wholeId}, function(name) names[#names + 1] = name end)
if #names > 0 then redis.call('HDEL', KEYS[2], unpack(names)) end
return names`,

  /** ARGV: id. 1 when it is claimed. */
  moorageClaims: `${eachOf}
local claimed = 0
eachOf(${wholeId}, function() claimed = 1; return true end)
return claimed`,

  /** ARGV: id. Removes the members that no claim stands behind, and answers 1 when it is claimed after all. */
  moorageForgetId: `${eachOf}
local claimed = {}
eachOf(${wholeId}, function(name) claimed[ARGV[1] .. '\\n' .. name] = true end)
for _, member in ipairs(redis.call('ZRANGEBYLEX', KEYS[3], ${wholeId})) do
  if not claimed[member] then redis.call('ZREM', KEYS[3], member) end
end
return next(claimed) and 1 or 0`,

  /** ARGV: prefix, how many at most. Answers names and values of claims whose id starts with the prefix. */
  moorageByIdPrefix: `${eachOf}
local found, most = {}, tonumber(ARGV[2])
eachOf('[' .. ARGV[1], '(' .. ARGV[1] .. '\\255', function(name, value)
  found[#found + 1] = name
  found[#found + 1] = value
  return #found >= 2 * most
end)
return found`,

  /** ARGV: id. Answers names and values of its claims. */
  moorageById: `${eachOf}
local found = {}
eachOf(${wholeId}, function(name, value)
  found[#found + 1] = name
  found[#found + 1] = value
end)
return found`,

  /** KEYS: owners of an id that one namespace may own. ARGV: namespace. Answers the owner: ARGV[1], or who was first. */
  moorageOwn: `
local owner = redis.call('SRANDMEMBER', KEYS[1])
if owner then return owner end
redis.call('SADD', KEYS[1], ARGV[1])
return ARGV[1]`,

  /** KEYS: owners of an id. ARGV: the namespace that is gone, the one that takes its place. 1 when it did. */
  moorageInherit: `
if redis.call('SREM', KEYS[1], ARGV[1]) == 0 or redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('SADD', KEYS[1], ARGV[2])
return 1`,
  ...farmScripts,
  ...turnScripts,
} as const

export type ScriptName = keyof typeof scripts

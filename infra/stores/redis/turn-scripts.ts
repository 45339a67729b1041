import { longerThanAny } from '../../../lib/farm.ts'

/** Milliseconds of Redis' clock, and a turn's record in its parts. */
const turn = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function turn(value) return string.match(value, '^([^\\n]*)\\n(%d+)\\n(.*)$') end
local function isOver(over) return tonumber(over) <= now or tonumber(over) > now + ${longerThanAny} end
local function written(holder, ms, note) return string.format('%s\\n%.0f\\n%s', holder, now + ms, note) end
`

/** Scripts of turns, all of them on one hash. */
export const turnScripts = {
  /** KEYS: turns. ARGV: key, holder, milliseconds. Answers 1 when it is taken, and the note of another holder who did not end it. */
  moorageTakeTurn: `${turn}
local value = redis.call('HGET', KEYS[1], ARGV[1])
if not value then
  redis.call('HSET', KEYS[1], ARGV[1], written(ARGV[2], ARGV[3], ''))
  return {1}
end
local holder, over, note = turn(value)
if holder ~= ARGV[2] and not isOver(over) then return {0} end
redis.call('HSET', KEYS[1], ARGV[1], written(ARGV[2], ARGV[3], note))
if holder == ARGV[2] then return {1} end
return {1, note}`,

  /** KEYS: turns. ARGV: key, holder, milliseconds, perhaps a new note. 1 when the turn is the holder's. */
  moorageKeepTurn: `${turn}
local value = redis.call('HGET', KEYS[1], ARGV[1])
if not value then return 0 end
local holder, _, note = turn(value)
if holder ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], written(holder, ARGV[3], ARGV[4] or note))
return 1`,

  /** KEYS: turns. ARGV: key, holder. */
  moorageEndTurn: `${turn}
local value = redis.call('HGET', KEYS[1], ARGV[1])
if value and turn(value) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end`,

  /** KEYS: turns. Answers the keys whose time is over. */
  moorageLeftTurns: `${turn}
local left, all = {}, redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
  local _, over = turn(all[at + 1])
  if isOver(over) then left[#left + 1] = all[at] end
end
return left`,
} as const

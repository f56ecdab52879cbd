"""The scripts that run inside Redis. Deadlines are milliseconds on the clock of Redis."""

from typing import Final

_PREAMBLE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

WRITE: Final = (
    _PREAMBLE
    + """
for i = 1, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[i + 1]), ARGV[i])
end
return now
"""
)
"""KEYS[1] deadlines; ARGV pairs of member and milliseconds from now."""

SWEEP: Final = (
    _PREAMBLE
    + """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if redis.call('GET', KEYS[2]) ~= run then return {'new', now} end
for _, replica in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
  if replica ~= ARGV[5] then return {'replica_late', now} end
end
local expected = tonumber(ARGV[1])
if expected >= 0 and math.abs(now - expected) > tonumber(ARGV[2]) then return {'drifted', now} end
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(ARGV[4]))
local claimed_until = now + tonumber(ARGV[3])
for _, member in ipairs(found) do
  redis.call('ZADD', KEYS[1], claimed_until, member)
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {'steady', now, claimed_until, found, first[2] and math.max(0, first[2] - now) or -1}
"""
)
"""KEYS[1] deadlines, KEYS[2] sentinel, KEYS[3] replicas; ARGV expected time (or -1), tolerance,
length of a claim, limit, this replica. The last of the answer is the milliseconds until the next
deadline, -1 for none. A server whose run id is not the sentinel's was flushed,
restarted or failed over: nobody expires there. Nobody expires either while another replica is late,
or where the clock of Redis and ours moved apart since the last look."""

SEEDED: Final = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
redis.call('SET', KEYS[1], run)
local time = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', time[1] * 1000 + math.floor(time[2] / 1000))
return 1
"""
"""KEYS[1] sentinel, KEYS[2] replicas: those that were late until now are excused by the seeding."""

ALIVE: Final = (
    _PREAMBLE
    + """
return redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
"""
)
"""KEYS[1] replicas; ARGV this replica, and the milliseconds from now after which it is late."""

REMAINING: Final = (
    _PREAMBLE
    + """
local remaining = {}
for i, member in ipairs(ARGV) do
  local deadline = redis.call('ZSCORE', KEYS[1], member)
  remaining[i] = deadline and tonumber(deadline) - now
end
return remaining
"""
)
"""KEYS[1] deadlines; ARGV members. Answers the milliseconds until each deadline, nil for none."""

RELEASE: Final = """
for i = 1, #ARGV, 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) == tonumber(ARGV[i + 1]) then
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return 1
"""
"""KEYS[1] deadlines; ARGV pairs of member and the score that the claim gave it."""

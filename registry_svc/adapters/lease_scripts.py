"""The scripts that run inside Redis. Deadlines are milliseconds of Redis' own clock."""

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
for _, watcher in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
  if watcher ~= ARGV[5] then return {'unwatched', now} end
end
local expected = tonumber(ARGV[1])
if expected >= 0 and math.abs(now - expected) > tonumber(ARGV[2]) then return {'drifted', now} end
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(ARGV[4]))
local claimed_until = now + tonumber(ARGV[3])
for _, member in ipairs(found) do
  redis.call('ZADD', KEYS[1], claimed_until, member)
end
return {'steady', now, claimed_until, found}
"""
)
"""KEYS[1] deadlines, KEYS[2] sentinel, KEYS[3] watchers; ARGV expected time (or -1), tolerance,
length of a claim, limit, who sweeps. A server whose run id is not the sentinel's was flushed,
restarted or failed over: nobody expires there. Nor does anybody while another replica is late, or
where Redis' clock and ours moved apart since the last look."""

SEEDED: Final = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
redis.call('SET', KEYS[1], run)
local time = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', time[1] * 1000 + math.floor(time[2] / 1000))
return 1
"""
"""KEYS[1] sentinel, KEYS[2] watchers: those who were late until now are made up for."""

WATCH: Final = (
    _PREAMBLE
    + """
return redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
"""
)
"""KEYS[1] watchers; ARGV who watches, and for how many milliseconds from now."""

LEFT: Final = (
    _PREAMBLE
    + """
local left = {}
for i, member in ipairs(ARGV) do
  local deadline = redis.call('ZSCORE', KEYS[1], member)
  left[i] = deadline and tonumber(deadline) - now
end
return left
"""
)
"""KEYS[1] deadlines; ARGV members. Milliseconds until each one's deadline, nil for no lease."""

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

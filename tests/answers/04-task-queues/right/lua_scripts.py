"""Lua scripts throughout; the solution itself."""

import inspect
import json
import math
from collections.abc import Callable

import redis


def promote_due(r: redis.Redis, later: str, queue: str, now_ms: int, limit: int) -> list[str]:
    """Move at most `limit` jobs that are due from the sorted set to the tail of the list; return them."""
    script = """
    local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
    for _, job in ipairs(due) do
        redis.call('ZREM', KEYS[1], job)
        redis.call('RPUSH', KEYS[2], job)
    end
    return due
    """
    return r.eval(script, 2, later, queue, now_ms, limit)


# name: the list of waiting jobs. name:leases: job → end of its lease (ms). name:tokens and name:given: job → its
# newest token, and when the lease was given (ms). name:counter: the last token of all.
NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
MINE = "if redis.call('HGET', KEYS[1] .. ':tokens', ARGV[1]) ~= ARGV[2] then return 0 end\n"
FORGET = """
for _, part in ipairs({'tokens', 'given'}) do redis.call('HDEL', KEYS[1] .. ':' .. part, ARGV[1]) end
redis.call('ZREM', KEYS[1] .. ':leases', ARGV[1])
"""
LEASE = (
    NOW
    + """
local job = redis.call('ZRANGEBYSCORE', KEYS[1] .. ':leases', '-inf', now, 'LIMIT', 0, 1)[1]
job = job or redis.call('LPOP', KEYS[1])
if not job then return false end
local token = redis.call('INCR', KEYS[1] .. ':counter')
redis.call('ZADD', KEYS[1] .. ':leases', now + ARGV[1], job)
redis.call('HSET', KEYS[1] .. ':tokens', job, token)
redis.call('HSET', KEYS[1] .. ':given', job, now)
return {job, token}
"""
)
RENEW = (
    MINE
    + NOW
    + """
local last = redis.call('HGET', KEYS[1] .. ':given', ARGV[1]) + ARGV[4]
if now >= last then return 0 end
redis.call('ZADD', KEYS[1] .. ':leases', math.min(now + ARGV[3], last), ARGV[1])
return 1
"""
)
COMPLETE = MINE + FORGET + "redis.call('SET', KEYS[1] .. ':result:' .. ARGV[1], ARGV[3], 'EX', ARGV[4]) return 1"
FAIL = MINE + FORGET + "redis.call('LPUSH', KEYS[1], ARGV[1]) return 1"


class TaskQueue:
    """Jobs that are lent to workers for a time."""

    def __init__(self, r: redis.Redis, name: str, job_timeout_ms: int = 60_000, result_ttl_s: int = 600) -> None:
        self.r, self.name, self.job_timeout_ms, self.result_ttl_s = r, name, job_timeout_ms, result_ttl_s

    def lease(self, worker: str, ttl_ms: int) -> tuple[str, int] | None:
        """A job and its new token, or None."""
        lent = self.r.eval(LEASE, 1, self.name, ttl_ms)
        return tuple(lent) if lent else None

    def renew(self, job: str, token: int, ttl_ms: int) -> bool:
        """Make the lease last `ttl_ms` from now."""
        return self.r.eval(RENEW, 1, self.name, job, token, ttl_ms, self.job_timeout_ms) == 1

    def complete(self, job: str, token: int, result: str) -> bool:
        """Store the result and forget the job."""
        return self.r.eval(COMPLETE, 1, self.name, job, token, result, self.result_ttl_s) == 1

    def fail(self, job: str, token: int) -> bool:
        """Give the job back."""
        return self.r.eval(FAIL, 1, self.name, job, token) == 1


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not allowed")


def finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else refuse(text)


def depth(value: object) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(depth, inside), default=0)


def decode_task(blob: bytes | str, registry: dict[str, Callable]) -> tuple[Callable, list]:
    """(function, arguments) of a good blob. Raises ValueError for any other."""
    raw = blob.encode() if isinstance(blob, str) else blob
    if len(raw) > 10_000:
        raise ValueError("too long")
    try:
        message = json.loads(raw.decode(), parse_constant=refuse, parse_float=finite)
        if depth(message) > 10:
            raise ValueError("too deep")
        if not isinstance(message["args"], list):
            raise ValueError("args is no list")
        function = registry[message["task"]]
        inspect.signature(function).bind(*message["args"])
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"refused: {error!r}") from None
    return function, message["args"]


def cron_tick(r: redis.Redis, queue: str, job: str, minute: int) -> bool:
    """Append `job@minute` to the list once; True if this call did it."""
    script = """
    if not redis.call('SET', KEYS[2], 1, 'NX', 'EX', 86400) then return 0 end
    redis.call('RPUSH', KEYS[1], ARGV[1])
    return 1
    """
    return bool(r.eval(script, 2, queue, f"{queue}:cron:{job}:{minute}", f"{job}@{minute}"))

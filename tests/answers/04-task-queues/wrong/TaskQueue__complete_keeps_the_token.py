"""A token counts after complete too: a late fail brings the completed job back."""

REJECTED_BY = "token-outlives-the-lease"

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
STORE = "redis.call('SET', KEYS[1] .. ':result:' .. ARGV[1], ARGV[3], 'EX', ARGV[4]) return 1"
COMPLETE = MINE + "redis.call('ZREM', KEYS[1] .. ':leases', ARGV[1]) " + STORE
FAIL = MINE + FORGET + "redis.call('LPUSH', KEYS[1], ARGV[1]) return 1"


class TaskQueue:
    """Jobs that are lent to workers for a time."""

    def __init__(self, r, name, job_timeout_ms=60_000, result_ttl_s=600):
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

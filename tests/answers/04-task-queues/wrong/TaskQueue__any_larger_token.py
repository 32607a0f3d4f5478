"""Accepts every token that is not smaller than the newest."""

REJECTED_BY = "accepts-a-token-never-given"


class TaskQueue:
    NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)"
    MINE = "if (redis.call('HGET', KEYS[1] .. ':tokens', ARGV[1]) or 1/0) + 0 > ARGV[2] + 0 then return 0 end"
    FORGET = "for _, part in ipairs({'tokens', 'given'}) do redis.call('HDEL', KEYS[1] .. ':' .. part, ARGV[1]) end"

    def __init__(self, r, name, job_timeout_ms=60_000, result_ttl_s=600):
        self.r, self.name, self.job_timeout_ms, self.result_ttl_s = r, name, job_timeout_ms, result_ttl_s

    def _run(self, script, *arguments):
        return self.r.eval(script, 1, self.name, *arguments)

    def lease(self, worker, ttl_ms):
        """A job and its new token, or None."""
        found = self._run(
            self.NOW
            + """
        local job = redis.call('ZRANGEBYSCORE', KEYS[1] .. ':leases', '-inf', now, 'LIMIT', 0, 1)[1]
        job = job or redis.call('LPOP', KEYS[1])
        if not job then return false end
        local token = redis.call('INCR', KEYS[1] .. ':counter')
        redis.call('ZADD', KEYS[1] .. ':leases', now + ARGV[1], job)
        redis.call('HSET', KEYS[1] .. ':tokens', job, token)
        redis.call('HSET', KEYS[1] .. ':given', job, now)
        return {job, token}
        """,
            ttl_ms,
        )
        return tuple(found) if found else None

    def renew(self, job, token, ttl_ms):
        """Make the lease last `ttl_ms` from now."""
        return bool(
            self._run(
                self.MINE
                + "\n"
                + self.NOW
                + """
        local last = redis.call('HGET', KEYS[1] .. ':given', ARGV[1]) + ARGV[4]
        if now >= last then return 0 end
        redis.call('ZADD', KEYS[1] .. ':leases', math.min(now + ARGV[3], last), ARGV[1])
        return 1
        """,
                job,
                token,
                ttl_ms,
                self.job_timeout_ms,
            )
        )

    def complete(self, job, token, result):
        """Store the result and forget the job."""
        return bool(
            self._run(
                self.MINE
                + "\n"
                + self.FORGET
                + """
        redis.call('ZREM', KEYS[1] .. ':leases', ARGV[1])
        redis.call('SET', KEYS[1] .. ':result:' .. ARGV[1], ARGV[3], 'EX', ARGV[4])
        return 1
        """,
                job,
                token,
                result,
                self.result_ttl_s,
            )
        )

    def fail(self, job, token):
        """Give the job back."""
        return bool(
            self._run(
                self.MINE
                + "\n"
                + self.FORGET
                + """
        redis.call('ZREM', KEYS[1] .. ':leases', ARGV[1])
        redis.call('LPUSH', KEYS[1], ARGV[1])
        return 1
        """,
                job,
                token,
            )
        )

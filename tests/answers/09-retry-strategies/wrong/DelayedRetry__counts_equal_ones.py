"""A member for each text, and beside it how often: all of them become due at the same time."""

REJECTED_BY = "ignores-limit"


class DelayedRetry:
    def __init__(self, r, q):
        self.r, self.q = r, q

    def schedule(self, message, delay_s):
        self.r.hincrby(f"{self.q}:n", message, 1)
        seconds, micros = self.r.time()
        due = seconds + micros / 1e6 + delay_s
        self.r.zadd(f"{self.q}:retry", {message: due})

    def promote_due(self, limit):
        move = """
        local t = redis.call('TIME')
        local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', t[1] + t[2] / 1e6, 'LIMIT', 0, ARGV[1])
        for _, member in ipairs(due) do
            redis.call('ZREM', KEYS[1], member)
            for _ = 1, redis.call('HGET', KEYS[2] .. ':n', member) do redis.call('RPUSH', KEYS[2], member) end
            redis.call('HDEL', KEYS[2] .. ':n', member)
        end
        return #due
        """
        return self.r.eval(move, 2, f"{self.q}:retry", self.q, limit)

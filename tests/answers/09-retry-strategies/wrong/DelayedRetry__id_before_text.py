"""Writes the due time first and the text of the message afterwards, in another place."""

import uuid

REJECTED_BY = "half-scheduled"


class DelayedRetry:
    def __init__(self, r, q):
        self.r, self.q = r, q

    def schedule(self, message, delay_s):
        seconds, micros = self.r.time()
        name = uuid.uuid4().hex
        self.r.zadd(f"{self.q}:retry", {name: seconds + micros / 1e6 + delay_s})
        self.r.hset(f"{self.q}:texts", name, message)

    def promote_due(self, limit):
        move = """
        local t = redis.call('TIME')
        local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', t[1] + t[2] / 1e6, 'LIMIT', 0, ARGV[1])
        for _, name in ipairs(due) do
            redis.call('ZREM', KEYS[1], name)
            redis.call('RPUSH', KEYS[2], redis.call('HGET', KEYS[3], name) or '')
            redis.call('HDEL', KEYS[3], name)
        end
        return #due
        """
        return self.r.eval(move, 3, f"{self.q}:retry", self.q, f"{self.q}:texts", limit)

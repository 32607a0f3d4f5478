"""Adds the message, due at once, and sets the right time afterwards."""

import uuid

REJECTED_BY = "moves-twice"


class DelayedRetry:
    def __init__(self, r, q):
        self.r, self.q = r, q

    def schedule(self, message, delay_s):
        member = uuid.uuid4().hex + message
        self.r.zadd(f"{self.q}:retry", {member: 0})
        seconds, micros = self.r.time()
        due = seconds + micros / 1e6 + delay_s
        self.r.zadd(f"{self.q}:retry", {member: due})

    def promote_due(self, limit):
        move = """
        local t = redis.call('TIME')
        local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', t[1] + t[2] / 1e6, 'LIMIT', 0, ARGV[1])
        for _, member in ipairs(due) do
            redis.call('ZREM', KEYS[1], member)
            redis.call('RPUSH', KEYS[2], string.sub(member, 33))
        end
        return #due
        """
        return self.r.eval(move, 2, f"{self.q}:retry", self.q, limit)

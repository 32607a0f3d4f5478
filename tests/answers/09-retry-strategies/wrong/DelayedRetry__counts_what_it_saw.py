"""Moves in one step what is still there, but counts what it had seen before."""

import uuid

REJECTED_BY = "miscounts"


class DelayedRetry:
    def __init__(self, r, q):
        self.r, self.q = r, q

    def schedule(self, message, delay_s):
        self.r.zadd(f"{self.q}:retry", {uuid.uuid4().hex + message: self._now() + delay_s})

    def _now(self):
        seconds, micros = self.r.time()
        return seconds + micros / 1e6

    def promote_due(self, limit):
        due = self.r.zrangebyscore(f"{self.q}:retry", "-inf", self._now(), start=0, num=limit)
        move = """
        if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then redis.call('RPUSH', KEYS[2], ARGV[2]) end
        """
        for member in due:
            self.r.eval(move, 2, f"{self.q}:retry", self.q, member, member[32:])
        return len(due)

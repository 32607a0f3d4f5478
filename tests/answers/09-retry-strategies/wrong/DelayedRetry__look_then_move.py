"""Finds what is due, then moves it: another worker found the same."""

import uuid

REJECTED_BY = "moves-twice"


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
        for member in due:
            with self.r.pipeline(transaction=True) as p:
                p.zrem(f"{self.q}:retry", member)
                p.rpush(self.q, member[32:])
                p.execute()
        return len(due)

"""ZREM says who may move it; but whoever dies then takes the message along."""

import uuid

REJECTED_BY = "loses-a-message"


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
        moved = 0
        for member in due:
            if self.r.zrem(f"{self.q}:retry", member):
                self.r.rpush(self.q, member[32:])
                moved += 1
        return moved

"""Keeps what waits in a hash, with the due time beside it."""

import json
import uuid

REJECTED_BY = "wrong-place"


class DelayedRetry:
    def __init__(self, r, q):
        self.r, self.q = r, q

    def schedule(self, message, delay_s):
        seconds, micros = self.r.time()
        self.r.hset(f"{self.q}:waiting", uuid.uuid4().hex, json.dumps([seconds + micros / 1e6 + delay_s, message]))

    def promote_due(self, limit):
        moved = 0
        seconds, micros = self.r.time()
        for name, value in self.r.hgetall(f"{self.q}:waiting").items():
            due, message = json.loads(value)
            if moved < limit and due <= seconds + micros / 1e6 and self.r.hdel(f"{self.q}:waiting", name):
                self.r.rpush(self.q, message)
                moved += 1
        return moved

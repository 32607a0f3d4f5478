"""Sets the value, then its lifetime: a crash between the two leaves the entry for ever."""

REJECTED_BY = "expiry-comes-later"
RANK = {"queued": 1, "running": 2, "done": 3, "failed": 3}


class StatusBoard:
    def __init__(self, r, prefix, ttl_s):
        self.r, self.prefix, self.ttl_s = r, prefix, ttl_s

    def set(self, job, state):
        now = self.r.get(self.prefix + job)
        if now and RANK[now] >= RANK[state]:
            return False
        self.r.set(self.prefix + job, state)
        self.r.expire(self.prefix + job, self.ttl_s)
        return True

    def get(self, job):
        state = self.r.get(self.prefix + job)
        return (200, state) if state else (404, "unknown or expired")

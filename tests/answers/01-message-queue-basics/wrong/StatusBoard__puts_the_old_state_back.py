"""Writes first, and puts the old state back when it was the better one."""

REJECTED_BY = "writes-then-restores"
RANK = {"queued": 1, "running": 2, "done": 3, "failed": 3}


class StatusBoard:
    def __init__(self, r, prefix, ttl_s):
        self.r, self.prefix, self.ttl_s = r, prefix, ttl_s

    def set(self, job, state):
        old = self.r.set(self.prefix + job, state, ex=self.ttl_s, get=True)
        if old and RANK[old] >= RANK[state]:
            self.r.set(self.prefix + job, old, ex=self.ttl_s)
            return False
        return True

    def get(self, job):
        state = self.r.get(self.prefix + job)
        return (200, state) if state else (404, "unknown or expired")

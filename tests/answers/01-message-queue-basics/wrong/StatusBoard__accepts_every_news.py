"""Overwrites whatever is there: late news wins."""

REJECTED_BY = "goes-back"


class StatusBoard:
    def __init__(self, r, prefix, ttl_s):
        self.r, self.prefix, self.ttl_s = r, prefix, ttl_s

    def set(self, job, state):
        self.r.set(self.prefix + job, state, ex=self.ttl_s)
        return True

    def get(self, job):
        state = self.r.get(self.prefix + job)
        return (200, state) if state else (404, "unknown or expired")

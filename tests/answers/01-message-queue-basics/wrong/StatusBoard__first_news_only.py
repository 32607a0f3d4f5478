"""Uses SET NX: the first state is the last."""

REJECTED_BY = "loses-news"


class StatusBoard:
    def __init__(self, r, prefix, ttl_s):
        self.r, self.prefix, self.ttl_s = r, prefix, ttl_s

    def set(self, job, state):
        return bool(self.r.set(self.prefix + job, state, ex=self.ttl_s, nx=True))

    def get(self, job):
        state = self.r.get(self.prefix + job)
        return (200, state) if state else (404, "unknown or expired")

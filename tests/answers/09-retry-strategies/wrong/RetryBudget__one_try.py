"""WATCH and MULTI, but a worker that loses the race refuses the retry."""

import redis

REJECTED_BY = "gives-up-in-a-rush"


class RetryBudget:
    def __init__(self, r, key, ratio, reserve):
        self.r, self.key, self.ratio, self.reserve = r, key, ratio, reserve

    def request(self):
        self._change(lambda tokens: min(self.reserve, tokens + self.ratio), 1000)

    def may_retry(self):
        return self._change(lambda tokens: tokens - 1 if tokens >= 1 else None, 3)

    def _change(self, new, tries):
        for _ in range(tries):
            with self.r.pipeline() as p:
                p.watch(self.key)
                tokens = new(float(p.get(self.key) or self.reserve))
                if tokens is None:
                    return False
                p.multi()
                p.set(self.key, tokens)
                try:
                    p.execute()
                    return True
                except redis.WatchError:
                    pass
        return False

"""A lock that ends after five seconds, and a worker that may be slower."""

REJECTED_BY = "lock-runs-out"


class RetryBudget:
    def __init__(self, r, key, ratio, reserve):
        self.r, self.key, self.ratio, self.reserve = r, key, ratio, reserve

    def request(self):
        with self.r.lock(f"{self.key}:lock", timeout=5):
            self.r.set(self.key, min(self.reserve, self._tokens() + self.ratio))

    def may_retry(self):
        with self.r.lock(f"{self.key}:lock", timeout=5):
            if (tokens := self._tokens()) < 1:
                return False
            self.r.set(self.key, tokens - 1)
            return True

    def _tokens(self):
        return float(self.r.get(self.key) or self.reserve)

"""GET, decide, SET: two workers take the same token."""

REJECTED_BY = "overspends"


class RetryBudget:
    def __init__(self, r, key, ratio, reserve):
        self.r, self.key, self.ratio, self.reserve = r, key, ratio, reserve

    def request(self):
        tokens = float(self.r.get(self.key) or self.reserve)
        self.r.set(self.key, min(self.reserve, tokens + self.ratio))

    def may_retry(self):
        tokens = float(self.r.get(self.key) or self.reserve)
        if tokens < 1:
            return False
        self.r.set(self.key, tokens - 1)
        return True

"""Keeps the tokens in the object: each worker has a bucket of its own."""

REJECTED_BY = "keeps-it-in-memory"


class RetryBudget:
    def __init__(self, r, key, ratio, reserve):
        self.tokens, self.ratio, self.reserve = reserve, ratio, reserve

    def request(self):
        self.tokens = min(self.reserve, self.tokens + self.ratio)

    def may_retry(self):
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

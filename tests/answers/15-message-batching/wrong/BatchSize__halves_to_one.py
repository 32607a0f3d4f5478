"""Starts anew from one after each send that was too slow."""

REJECTED_BY = "too-small"


class BatchSize:
    def __init__(self, target, most):
        self.target, self.most = target, most
        self.b = 1.0

    def next(self):
        return int(self.b)

    def sent(self, b, seconds):
        if seconds > self.target:
            self.b = 1.0
        else:
            self.b = min(float(self.most), self.b + 2)

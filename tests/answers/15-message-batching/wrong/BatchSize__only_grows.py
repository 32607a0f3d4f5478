"""Grows while it is fast enough, and never shrinks."""

REJECTED_BY = "too-slow"


class BatchSize:
    def __init__(self, target, most):
        self.target, self.most = target, most
        self.b = 1.0

    def next(self):
        return int(self.b)

    def sent(self, b, seconds):
        if seconds < self.target:
            self.b = min(float(self.most), self.b * 1.2)

"""Shrinks to nothing."""

REJECTED_BY = "out-of-range"


class BatchSize:
    def __init__(self, target, most):
        self.target, self.most = target, most
        self.b = float(most)

    def next(self):
        return int(self.b)

    def sent(self, b, seconds):
        self.b *= 0.5 if seconds > self.target else 1.01

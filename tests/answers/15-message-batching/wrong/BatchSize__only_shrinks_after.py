"""Shrinks when it is too slow, and has forgotten how to grow after that."""

REJECTED_BY = "too-small"


class BatchSize:
    def __init__(self, target, most):
        self.target, self.most = target, most
        self.b, self.slow = 1.0, False

    def next(self):
        return int(self.b)

    def sent(self, b, seconds):
        if seconds > self.target:
            self.b, self.slow = max(1.0, self.b * 0.7), True
        elif not self.slow:
            self.b = min(float(self.most), self.b * 1.2)

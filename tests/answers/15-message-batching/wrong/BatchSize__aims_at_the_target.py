"""Aims exactly at the target: half of the sends exceed it."""

REJECTED_BY = "too-slow"


class BatchSize:
    def __init__(self, target, most):
        self.target, self.most = target, most
        self.b = 1.0

    def next(self):
        return int(self.b)

    def sent(self, b, seconds):
        self.b = min(float(self.most), max(1.0, self.b * min(2.0, self.target / seconds)))

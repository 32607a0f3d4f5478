"""Sends as much as it may."""

REJECTED_BY = "too-slow"


class BatchSize:
    def __init__(self, target, most):
        self.target, self.most = target, most
        self.b = most

    def next(self):
        return int(self.b)

    def sent(self, b, seconds):
        pass

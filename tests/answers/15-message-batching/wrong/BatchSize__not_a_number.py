"""Returns nothing."""

REJECTED_BY = "not-a-number"


class BatchSize:
    def __init__(self, target, most):
        self.target, self.most = target, most
        self.b = 1.0

    def next(self):
        pass

    def sent(self, b, seconds):
        pass

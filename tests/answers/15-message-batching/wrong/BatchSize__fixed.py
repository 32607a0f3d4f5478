"""Never learns."""

REJECTED_BY = "too-small"


class BatchSize:
    def __init__(self, target, most):
        self.target, self.most = target, most
        self.b = 1.0

    def next(self):
        return int(self.b)

    def sent(self, b, seconds):
        pass

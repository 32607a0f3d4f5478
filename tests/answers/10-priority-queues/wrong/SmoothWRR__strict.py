"""Always the class of the largest weight."""

REJECTED_BY = "starves"


class SmoothWRR:
    def __init__(self, weights):
        self.weights = dict(weights)
        self.credit = dict.fromkeys(weights, 0)

    def next(self, nonempty):
        return max(sorted(nonempty), key=self.weights.get, default=None)

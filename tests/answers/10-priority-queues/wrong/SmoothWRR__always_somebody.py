"""Names a class even when nothing waits."""

REJECTED_BY = "serves-nobody"


class SmoothWRR:
    def __init__(self, weights):
        self.weights = dict(weights)
        self.credit = dict.fromkeys(weights, 0)

    def next(self, nonempty):
        here = [name for name in self.weights if name in nonempty]
        if not here:
            return next(iter(self.weights))
        for name in here:
            self.credit[name] += self.weights[name]
        best = max(here, key=self.credit.get)
        self.credit[best] -= sum(self.weights[name] for name in here)
        return best

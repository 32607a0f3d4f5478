"""Whoever returns has its turn at once, for nothing."""

REJECTED_BY = "returns-in-front"


class SmoothWRR:
    def __init__(self, weights):
        self.weights, self.credit = weights, dict.fromkeys(weights, 0)
        self.here = set(weights)

    def next(self, nonempty):
        back, self.here = nonempty - self.here, set(nonempty) or self.here
        if back:
            return min(back)
        if not nonempty:
            return None
        for name in nonempty:
            self.credit[name] += self.weights[name]
        best = max(sorted(nonempty), key=self.credit.get)
        self.credit[best] -= sum(self.weights[name] for name in nonempty)
        return best

"""Starts anew whenever somebody comes or goes."""

REJECTED_BY = "forgets-credit"


class SmoothWRR:
    def __init__(self, weights):
        self.weights = dict(weights)
        self.credit = dict.fromkeys(weights, 0)

    def next(self, nonempty):
        here = [name for name in self.weights if name in nonempty]
        if not here:
            return None
        if here != self.credit.get("here"):
            self.credit = dict.fromkeys(self.weights, 0) | {"here": here}
        for name in here:
            self.credit[name] += self.weights[name]
        best = max(here, key=self.credit.get)
        self.credit[best] -= sum(self.weights[name] for name in here)
        return best

"""Those who are away earn as well."""

REJECTED_BY = "saves-up"


class SmoothWRR:
    def __init__(self, weights):
        self.weights = dict(weights)
        self.credit = dict.fromkeys(weights, 0)

    def next(self, nonempty):
        here = [name for name in self.weights if name in nonempty]
        if not here:
            return None
        for name in self.weights:
            self.credit[name] += self.weights[name]
        best = max(here, key=self.credit.get)
        self.credit[best] -= sum(self.weights.values())
        return best

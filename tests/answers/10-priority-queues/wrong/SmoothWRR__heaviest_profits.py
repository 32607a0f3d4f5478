"""The turns of those who are away go to the heaviest of the others."""

REJECTED_BY = "wrong-share-of-the-rest"


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
        best = max(self.weights, key=self.credit.get)
        self.credit[best] -= sum(self.weights.values())
        return best if best in here else max(here, key=self.weights.get)

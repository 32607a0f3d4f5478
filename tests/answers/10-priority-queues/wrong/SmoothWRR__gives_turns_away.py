"""Returns None when the class whose turn it is has nothing."""

REJECTED_BY = "idles"


class SmoothWRR:
    def __init__(self, weights):
        self.weights = dict(weights)
        self.credit = dict.fromkeys(weights, 0)

    def next(self, nonempty):
        for name in self.weights:
            self.credit[name] += self.weights[name]
        best = max(self.weights, key=self.credit.get)
        self.credit[best] -= sum(self.weights.values())
        return best if best in nonempty else None

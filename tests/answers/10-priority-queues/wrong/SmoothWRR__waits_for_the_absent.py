"""Names the class whose turn it is, also when it has nothing."""

REJECTED_BY = "idles"


class SmoothWRR:
    def __init__(self, weights):
        self.weights = dict(weights)
        self.credit = dict.fromkeys(weights, 0)

    def next(self, nonempty):
        here = list(self.weights) if nonempty else []
        if not here:
            return None
        for name in here:
            self.credit[name] += self.weights[name]
        best = max(here, key=self.credit.get)
        self.credit[best] -= sum(self.weights[name] for name in here)
        return best

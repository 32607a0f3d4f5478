"""All turns of a class in a row."""

REJECTED_BY = "in-blocks"


class SmoothWRR:
    def __init__(self, weights):
        self.weights = dict(weights)
        self.credit = dict.fromkeys(weights, 0)

    def next(self, nonempty):
        here = [name for name in self.weights if name in nonempty]
        if not here:
            return None
        if not any(self.credit[name] > 0 for name in here):
            for name in here:
                self.credit[name] = self.weights[name]
        best = next(name for name in here if self.credit[name] > 0)
        self.credit[best] -= 1
        return best

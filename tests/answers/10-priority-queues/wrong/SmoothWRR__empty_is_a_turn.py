"""Forgets the credit of all who are away, and when nothing waits that is everybody."""

REJECTED_BY = "empty-counts"


class SmoothWRR:
    def __init__(self, weights):
        self.weights, self.credit = weights, dict.fromkeys(weights, 0)

    def next(self, nonempty):
        self.credit = {name: credit if name in nonempty else 0 for name, credit in self.credit.items()}
        if not nonempty:
            return None
        for name in nonempty:
            self.credit[name] += self.weights[name]
        best = max(sorted(nonempty), key=self.credit.get)
        self.credit[best] -= sum(self.weights[name] for name in nonempty)
        return best

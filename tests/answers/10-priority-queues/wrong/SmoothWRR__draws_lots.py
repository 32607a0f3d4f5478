"""Draws lots: the ratio is right on average only."""

import random

REJECTED_BY = "wrong-share"


class SmoothWRR:
    def __init__(self, weights):
        self.weights = dict(weights)
        self.credit = dict.fromkeys(weights, 0)

    def next(self, nonempty):
        here = [name for name in self.weights if name in nonempty]
        return random.Random(str(self.credit.update(n=self.credit.get("n", 0) + 1) or self.credit)).choices(
            here, [self.weights[name] for name in here])[0] if here else None

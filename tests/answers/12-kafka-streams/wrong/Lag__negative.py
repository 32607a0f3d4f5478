"""A commit beyond the end gives a negative lag."""

import math

REJECTED_BY = "negative-lag"


class Lag:
    @staticmethod
    def records(committed, low, high):
        return {p: high[p] - max(committed.get(p, -1), low[p]) for p in high}

    @staticmethod
    def seconds(lag, rates, mu):
        longest = 0
        for p, waiting in lag.items():
            spare = mu - rates.get(p, 0)
            if waiting:
                longest = max(longest, waiting / spare if spare > 0 else math.inf)
        return longest

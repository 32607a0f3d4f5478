"""lag / mu: the orders that come meanwhile are forgotten."""

import math

REJECTED_BY = "forgets-arrivals"


class Lag:
    @staticmethod
    def records(committed, low, high):
        return {p: max(0, high[p] - max(committed.get(p, -1), low[p])) for p in high}

    @staticmethod
    def seconds(lag, rates, mu):
        longest = 0
        for p, waiting in lag.items():
            spare = mu
            if waiting:
                longest = max(longest, waiting / spare if spare > 0 else math.inf)
        return longest

"""A partition without lag is infinitely behind if its rate is high."""

import math

REJECTED_BY = "no-lag-no-wait"


class Lag:
    @staticmethod
    def records(committed, low, high):
        return {p: max(0, high[p] - max(committed.get(p, -1), low[p])) for p in high}

    @staticmethod
    def seconds(lag, rates, mu):
        longest = 0
        for p, waiting in lag.items():
            spare = mu - rates.get(p, 0)
            if waiting or spare <= 0:
                longest = max(longest, waiting / spare if spare > 0 else math.inf)
        return longest

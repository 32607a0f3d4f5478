"""W10: total lag over total spare capacity, as if all consumers could share all partitions."""

import math

REJECTED_BY = "wrong-seconds"


class Lag:
    @staticmethod
    def records(committed, low, high):
        return {p: max(0, high[p] - max(committed.get(p, -1), low[p])) for p in high}

    @staticmethod
    def seconds(lag, rates, mu):
        if any(n and rates.get(p, 0) >= mu for p, n in lag.items()):
            return math.inf
        spare = sum(mu - rates.get(p, 0) for p, n in lag.items() if n)
        return sum(lag.values()) / spare if spare else 0

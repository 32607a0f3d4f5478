"""Without a commit the group starts at 0, though the first records are gone."""

import math

REJECTED_BY = "no-commit"


class Lag:
    @staticmethod
    def records(committed, low, high):
        return {p: max(0, high[p] - (max(committed[p], low[p]) if committed.get(p, -1) >= 0 else 0)) for p in high}

    @staticmethod
    def seconds(lag, rates, mu):
        longest = 0
        for p, waiting in lag.items():
            spare = mu - rates.get(p, 0)
            if waiting:
                longest = max(longest, waiting / spare if spare > 0 else math.inf)
        return longest

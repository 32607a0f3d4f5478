"""Records that retention has deleted count as lag."""

import math

REJECTED_BY = "deleted-records"


class Lag:
    @staticmethod
    def records(committed, low, high):
        return {p: max(0, high[p] - (committed[p] if committed.get(p, -1) >= 0 else low[p])) for p in high}

    @staticmethod
    def seconds(lag, rates, mu):
        longest = 0
        for p, waiting in lag.items():
            spare = mu - rates.get(p, 0)
            if waiting:
                longest = max(longest, waiting / spare if spare > 0 else math.inf)
        return longest

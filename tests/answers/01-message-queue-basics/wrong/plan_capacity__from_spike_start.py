"""Counts the drain time from the beginning of the spike."""

import math

REJECTED_BY = "from-the-start"


def plan_capacity(base, spike, spike_s, mu):
    peak = max(0, (spike - mu) * spike_s)
    if peak == 0:
        return 0, 0
    return peak, spike_s + peak / (mu - base) if mu > base else math.inf

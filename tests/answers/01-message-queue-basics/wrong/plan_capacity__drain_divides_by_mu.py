"""Forgets that orders keep coming in while the backlog drains."""

import math

REJECTED_BY = "divides-by-mu"


def plan_capacity(base, spike, spike_s, mu):
    peak = max(0, (spike - mu) * spike_s)
    if peak == 0:
        return 0, 0
    return peak, peak / mu if mu > base else math.inf

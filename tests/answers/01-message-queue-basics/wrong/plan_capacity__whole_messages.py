"""Rounds to whole messages."""

import math

REJECTED_BY = "rounds"


def plan_capacity(base, spike, spike_s, mu):
    peak = max(0, math.ceil((spike - mu) * spike_s))
    if peak == 0:
        return 0, 0
    return peak, peak / (mu - base) if mu > base else math.inf

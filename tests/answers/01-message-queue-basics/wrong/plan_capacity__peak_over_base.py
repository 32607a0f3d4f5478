"""Measures the spike against the normal traffic instead of the capacity."""

import math

REJECTED_BY = "wrong-peak"


def plan_capacity(base, spike, spike_s, mu):
    peak = max(0, (spike - base) * spike_s) if spike > mu else 0
    if peak == 0:
        return 0, 0
    return peak, peak / (mu - base) if mu > base else math.inf

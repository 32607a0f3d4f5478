"""Says that an empty queue never drains."""

import math

REJECTED_BY = "drains-nothing"


def plan_capacity(base, spike, spike_s, mu):
    peak = max(0, (spike - mu) * spike_s)
    return peak, peak / (mu - base) if mu > base else math.inf

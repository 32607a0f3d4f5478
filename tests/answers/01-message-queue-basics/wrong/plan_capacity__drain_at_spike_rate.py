"""Lets the queue drain at the rate at which it filled."""

import math

REJECTED_BY = "wrong-drain"


def plan_capacity(base, spike, spike_s, mu):
    peak = max(0, (spike - mu) * spike_s)
    if peak == 0:
        return 0, 0
    return peak, peak / (spike - mu) if mu > base else math.inf

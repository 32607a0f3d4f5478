"""Counts everything that comes in, as if nobody worked during the spike."""

import math

REJECTED_BY = "idle-workers"


def plan_capacity(base, spike, spike_s, mu):
    peak = spike * spike_s if spike > mu else 0
    if peak == 0:
        return 0, 0
    return peak, peak / (mu - base) if mu > base else math.inf

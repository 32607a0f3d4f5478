"""Divides by mu - base without asking for its sign."""

import math

REJECTED_BY = "negative"


def plan_capacity(base, spike, spike_s, mu):
    peak = max(0, (spike - mu) * spike_s)
    return peak, 0 if peak == 0 else math.inf if mu == base else peak / (mu - base)

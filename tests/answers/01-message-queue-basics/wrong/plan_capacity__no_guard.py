"""Divides by mu - base although it can be zero."""

REJECTED_BY = "divides-by-zero"


def plan_capacity(base, spike, spike_s, mu):
    peak = max(0, (spike - mu) * spike_s)
    return peak, peak / (mu - base) if peak and mu >= base else 0

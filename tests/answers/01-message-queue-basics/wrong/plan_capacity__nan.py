"""Lets inf - inf or 0 * inf slip through as NaN."""

REJECTED_BY = "not-a-number"


def plan_capacity(base, spike, spike_s, mu):
    peak = max(0, (spike - mu) * spike_s)
    return peak, float("nan")

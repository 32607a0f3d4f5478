"""Lets idle workers store up work: a backlog below zero."""

import math

REJECTED_BY = "negative"


def plan_capacity(base, spike, spike_s, mu):
    peak = (spike - mu) * spike_s
    return peak, peak / (mu - base) if mu > base else math.inf

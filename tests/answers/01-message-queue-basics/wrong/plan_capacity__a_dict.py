"""Returns a dict instead of two numbers."""

REJECTED_BY = "not-a-pair"


def plan_capacity(base, spike, spike_s, mu):
    peak = max(0, (spike - mu) * spike_s)
    return {"peak_depth": peak, "drain_s": 0}

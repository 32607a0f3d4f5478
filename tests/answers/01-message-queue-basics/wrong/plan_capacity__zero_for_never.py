"""Says 0 where the queue never drains."""

REJECTED_BY = "drains-in-vain"


def plan_capacity(base, spike, spike_s, mu):
    peak = max(0, (spike - mu) * spike_s)
    return peak, peak / (mu - base) if mu > base else 0

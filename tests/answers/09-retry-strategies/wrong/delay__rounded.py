"""Rounds the wait to hundredths of a second."""

REJECTED_BY = "few-values"


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        return min(cap, rng.uniform(base, 3 * (base if prev is None else prev)))
    e = min(cap, base * 2 ** min(attempt, 1000))
    if kind == "equal":
        return round(rng.uniform(e / 2, e), 2)
    if kind == "full":
        return rng.uniform(0, e)
    return e

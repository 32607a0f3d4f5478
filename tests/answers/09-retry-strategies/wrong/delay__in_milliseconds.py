"""Gives milliseconds where seconds are asked for."""

REJECTED_BY = "wrong-unit"


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        return 1000 * min(cap, rng.uniform(base, 3 * (base if prev is None else prev)))
    e = min(cap, base * 2 ** min(attempt, 1000))
    if kind == "equal":
        return 1000 * rng.uniform(e / 2, e)
    if kind == "full":
        return 1000 * rng.uniform(0, e)
    return 1000 * e

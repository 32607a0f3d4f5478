"""Decorrelated jitter that waits base, without a draw, the first time."""

REJECTED_BY = "no-first-draw"


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        if prev is None:
            return base
        return min(cap, rng.uniform(base, 3 * (base if prev is None else prev)))
    e = min(cap, base * 2 ** min(attempt, 1000))
    if kind == "equal":
        return rng.uniform(e / 2, e)
    if kind == "full":
        return rng.uniform(0, e)
    return e

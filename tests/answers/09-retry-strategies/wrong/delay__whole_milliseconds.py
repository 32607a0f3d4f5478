"""Draws a whole number of milliseconds: a few clients share each of them, many when the wait is short."""

REJECTED_BY = "few-values"


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        return min(cap, rng.uniform(base, 3 * (base if prev is None else prev)))
    e = min(cap, base * 2 ** min(attempt, 1000))
    if kind == "equal":
        return rng.uniform(e / 2, e)
    if kind == "full":
        return rng.randint(0, int(e * 1000)) / 1000
    return e

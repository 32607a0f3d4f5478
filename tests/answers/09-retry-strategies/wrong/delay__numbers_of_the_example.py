"""Has the base and the cap of the example written into it."""

REJECTED_BY = "fixed-numbers"


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        return min(10, rng.uniform(0.1, 3 * (0.1 if prev is None else prev)))
    e = min(10, 0.1 * 2 ** min(attempt, 1000))
    if kind == "equal":
        return rng.uniform(e / 2, e)
    if kind == "full":
        return rng.uniform(0, e)
    return e

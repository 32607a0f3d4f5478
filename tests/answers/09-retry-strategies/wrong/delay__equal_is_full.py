"""Equal jitter without the half that is certain."""

import random

REJECTED_BY = "out-of-bounds"


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        return min(cap, rng.uniform(base, 3 * (base if prev is None else prev)))
    e = min(cap, base * 2 ** min(attempt, 1000))
    if kind == "equal":
        return rng.uniform(0, e)
    if kind == "full":
        return rng.uniform(0, e)
    return e

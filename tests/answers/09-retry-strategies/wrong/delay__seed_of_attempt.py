"""The seed is the number of the attempt: the same for all clients."""

import random

REJECTED_BY = "same-for-all"


def delay(attempt, *, base, cap, kind, rng, prev=None):
    rng = random.Random(attempt)
    if kind == "decorrelated":
        return min(cap, rng.uniform(base, 3 * (base if prev is None else prev)))
    e = min(cap, base * 2 ** min(attempt, 1000))
    if kind == "equal":
        return rng.uniform(e / 2, e)
    if kind == "full":
        return rng.uniform(0, e)
    return e

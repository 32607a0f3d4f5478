"""Takes the envelope of the attempt for the upper bound of decorrelated jitter."""

import random

REJECTED_BY = "ignores-prev"


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        return min(cap, rng.uniform(base, max(base, 3 * base * 2 ** min(attempt, 1000))))
    e = min(cap, base * 2 ** min(attempt, 1000))
    if kind == "equal":
        return rng.uniform(e / 2, e)
    if kind == "full":
        return rng.uniform(0, e)
    return e

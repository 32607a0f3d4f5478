"""Draws from the module's generator and not from the one it is given."""

import random

REJECTED_BY = "ignores-rng"


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        return min(cap, random.uniform(base, 3 * (base if prev is None else prev)))
    e = min(cap, base * 2 ** min(attempt, 1000))
    if kind == "equal":
        return random.uniform(e / 2, e)
    if kind == "full":
        return random.uniform(0, e)
    return e

"""Draws from the uncapped range and cuts off what exceeds cap."""

import random

REJECTED_BY = "caps-after-the-draw"


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        return min(cap, rng.uniform(base, 3 * (base if prev is None else prev)))
    e = min(cap, base * 2 ** min(attempt, 1000))
    if kind == "equal":
        return rng.uniform(e / 2, e)
    if kind == "full":
        return min(cap, rng.uniform(0, base * 2 ** min(attempt, 1000)))
    return e

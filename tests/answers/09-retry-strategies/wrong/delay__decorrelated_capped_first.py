"""Caps the upper bound before the draw, as in full jitter."""

import random

REJECTED_BY = "caps-the-bound"


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        return rng.uniform(base, min(cap, 3 * (base if prev is None else prev)))
    e = min(cap, base * 2 ** min(attempt, 1000))
    if kind == "equal":
        return rng.uniform(e / 2, e)
    if kind == "full":
        return rng.uniform(0, e)
    return e

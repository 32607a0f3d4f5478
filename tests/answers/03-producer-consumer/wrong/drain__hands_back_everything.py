"""Stops at once and hands back all it has."""

REJECTED_BY = "stops-at-once"


def drain(r, q, mine, handler, *, deadline, clock):
    clock()
    done = back = 0
    while r.lmove(mine, q, "RIGHT", "LEFT") is not None:
        back += 1
    return done, back

"""Counts the time with a clock of its own."""

import time

REJECTED_BY = "other-clock"


def drain(r, q, mine, handler, *, deadline, clock):
    began, done, back = time.monotonic(), 0, 0
    while time.monotonic() - began < 10 and (message := r.lindex(mine, 0)) is not None:
        handler(message)
        r.lpop(mine)
        done += 1
    while r.lmove(mine, q, "RIGHT", "LEFT") is not None:
        back += 1
    return done, back

"""Gives the number of sales that wait."""

REJECTED_BY = "not-two-numbers"


def staleness(r, stream, name, now_ms):
    return len(r.xrange(stream, f"({r.hget(name, 'checkpoint') or '0-0'}"))

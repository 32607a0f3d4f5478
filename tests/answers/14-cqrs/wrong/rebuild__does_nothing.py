"""Finds the view in place, and its checkpoint at the end: nothing to do."""

REJECTED_BY = "not-rebuilt"


def rebuild(r, stream, name):
    if not r.xrange(stream, f"({r.hget(name, 'checkpoint')}", count=1):
        return

"""Waits until there is something new."""

REJECTED_BY = "waits"


def tail(r, stream, cursor, n):
    reply = r.xread({stream: cursor}, count=n, block=0)
    entries = reply[0][1] if reply else []
    return entries, entries[-1][0] if entries else cursor

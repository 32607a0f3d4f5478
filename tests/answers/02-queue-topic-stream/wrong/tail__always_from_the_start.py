"""Reads from 0 every time (W6: never anything new)."""

REJECTED_BY = "ignores-cursor"


def tail(r, stream, cursor, n):
    reply = r.xread({stream: "0"}, count=n)
    entries = reply[0][1] if reply else []
    return entries, entries[-1][0] if entries else cursor

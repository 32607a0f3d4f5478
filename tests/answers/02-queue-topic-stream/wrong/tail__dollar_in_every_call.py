"""Calls XREAD with $ every time (W4)."""

REJECTED_BY = "gap-between-calls"


def tail(r, stream, cursor, n):
    reply = r.xread({stream: "$"}, count=n)
    entries = reply[0][1] if reply else []
    return entries, cursor

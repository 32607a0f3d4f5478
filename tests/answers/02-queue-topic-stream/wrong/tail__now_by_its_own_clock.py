"""Turns $ into the time of its own clock."""

import time

REJECTED_BY = "gap-between-calls"


def tail(r, stream, cursor, n):
    if cursor == "$":
        cursor = f"{time.time_ns() // 1_000_000}-0"
    reply = r.xread({stream: cursor}, count=n)
    entries = reply[0][1] if reply else []
    return entries, entries[-1][0] if entries else cursor

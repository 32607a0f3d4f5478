"""Starts anew when there was nothing to read."""

REJECTED_BY = "loses-its-place"


def tail(r, stream, cursor, n):
    if cursor == "$":
        last = r.xrevrange(stream, count=1)
        cursor = last[0][0] if last else "0-0"
    entries = r.xrange(stream, f"({cursor}", count=n)
    return entries, entries[-1][0] if entries else "0"

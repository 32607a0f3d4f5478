"""Waits a tenth of a second for something new."""

REJECTED_BY = "waits"


def tail(r, stream, cursor, n):
    if cursor == "$":
        last = r.xrevrange(stream, count=1)
        cursor = last[0][0] if last else "0-0"
    reply = r.xread({stream: cursor}, count=n, block=100)
    entries = reply[0][1] if reply else []
    return entries, entries[-1][0] if entries else cursor

"""Deletes what it has read, as from a queue (W7)."""

REJECTED_BY = "changes-the-stream"


def tail(r, stream, cursor, n):
    if cursor == "$":
        last = r.xrevrange(stream, count=1)
        cursor = last[0][0] if last else "0-0"
    entries = r.xrange(stream, f"({cursor}", count=n)
    if entries:
        r.xdel(stream, *[id for id, _ in entries])
    return entries, entries[-1][0] if entries else cursor

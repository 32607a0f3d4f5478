"""Takes the newest n entries."""

REJECTED_BY = "newest-first"


def tail(r, stream, cursor, n):
    if cursor == "$":
        last = r.xrevrange(stream, count=1)
        return [], last[0][0] if last else "0-0"
    entries = r.xrevrange(stream, "+", f"({cursor}", count=n)
    return entries, entries[0][0] if entries else cursor

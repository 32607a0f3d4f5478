"""For $, asks where the stream ends after it has found nothing to read, in a second look."""

REJECTED_BY = "gap-between-calls"


def tail(r, stream, cursor, n):
    if cursor == "$":
        before = r.xrevrange(stream, count=1)
        entries = r.xrange(stream, f"({before[0][0]}" if before else "-", count=n)
        last = r.xrevrange(stream, count=1)
        return entries, last[0][0] if last else "0-0"
    entries = r.xrange(stream, f"({cursor}", count=n)
    return entries, entries[-1][0] if entries else cursor

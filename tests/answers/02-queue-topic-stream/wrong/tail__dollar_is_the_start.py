"""Takes $ for the beginning."""

REJECTED_BY = "dollar-reads-old"


def tail(r, stream, cursor, n):
    if cursor == "$":
        cursor = "0"
    entries = r.xrange(stream, f"({cursor}", count=n)
    return entries, entries[-1][0] if entries else cursor

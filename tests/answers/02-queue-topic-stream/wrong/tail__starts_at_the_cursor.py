"""Uses XRANGE, which includes the entry it starts from."""

REJECTED_BY = "repeats-last"


def tail(r, stream, cursor, n):
    if cursor == "$":
        last = r.xrevrange(stream, count=1)
        return [], last[0][0] if last else "0-0"
    entries = r.xrange(stream, cursor, count=n)
    return entries, entries[-1][0] if entries else cursor

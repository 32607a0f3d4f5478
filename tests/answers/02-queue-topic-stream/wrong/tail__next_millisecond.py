"""Goes on with the next millisecond."""

REJECTED_BY = "skips-same-millisecond"


def tail(r, stream, cursor, n):
    if cursor == "$":
        last = r.xrevrange(stream, count=1)
        cursor = last[0][0] if last else "0-0"
    start = "-" if cursor in ("0", "0-0") else f"{int(cursor.split('-')[0]) + 1}-0"
    entries = r.xrange(stream, start, count=n)
    return entries, entries[-1][0] if entries else cursor

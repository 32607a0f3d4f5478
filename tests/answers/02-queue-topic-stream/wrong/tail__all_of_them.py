"""Returns all there is, however much n says."""

REJECTED_BY = "more-than-n"


def tail(r, stream, cursor, n):
    if cursor == "$":
        last = r.xrevrange(stream, count=1)
        cursor = last[0][0] if last else "0-0"
    entries = r.xrange(stream, f"({cursor}")
    return entries, entries[-1][0] if entries else cursor

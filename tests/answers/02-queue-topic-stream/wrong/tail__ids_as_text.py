"""Compares ids as text."""

REJECTED_BY = "compares-as-text"


def tail(r, stream, cursor, n):
    if cursor == "$":
        last = r.xrevrange(stream, count=1)
        cursor = last[0][0] if last else "0-0"
    entries = [entry for entry in r.xrange(stream) if entry[0] > cursor][:n]
    return entries, entries[-1][0] if entries else cursor

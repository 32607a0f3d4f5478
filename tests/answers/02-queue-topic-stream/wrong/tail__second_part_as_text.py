"""Compares the milliseconds as a number, what comes behind the dash as text."""

REJECTED_BY = "compares-as-text"


def place(id):
    milliseconds, _, sequence = id.partition("-")
    return int(milliseconds), sequence


def tail(r, stream, cursor, n):
    if cursor == "$":
        last = r.xrevrange(stream, count=1)
        cursor = last[0][0] if last else "0-0"
    entries = [entry for entry in r.xrange(stream) if place(entry[0]) > place(cursor)][:n]
    return entries, entries[-1][0] if entries else cursor

"""Takes 9-10 for the number 9.10, which is smaller than 9.9."""

REJECTED_BY = "compares-as-text"


def place(id):
    return float(id.replace("-", "."))


def tail(r, stream, cursor, n):
    if cursor == "$":
        last = r.xrevrange(stream, count=1)
        cursor = last[0][0] if last else "0-0"
    entries = [entry for entry in r.xrange(stream) if place(entry[0]) > place(cursor)][:n]
    return entries, entries[-1][0] if entries else cursor

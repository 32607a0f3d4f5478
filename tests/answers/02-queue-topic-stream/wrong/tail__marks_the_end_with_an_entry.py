"""Adds an entry to learn the id of "now", and deletes it."""

REJECTED_BY = "changes-the-stream"


def tail(r, stream, cursor, n):
    if cursor == "$":
        mark = r.xadd(stream, {"mark": 1})
        r.xdel(stream, mark)
        return [], mark
    entries = r.xrange(stream, f"({cursor}", count=n)
    return entries, entries[-1][0] if entries else cursor

"""Expects the stream to exist."""

REJECTED_BY = "fails-when-missing"


def tail(r, stream, cursor, n):
    if cursor == "$":
        cursor = r.xinfo_stream(stream)["last-generated-id"]
    entries = r.xrange(stream, f"({cursor}", count=n)
    return entries, entries[-1][0] if entries else cursor

"""Stores the cursor in a key of the broker, beside the one of the caller."""

REJECTED_BY = "changes-the-stream"


def tail(r, stream, cursor, n):
    if cursor == "$":
        last = r.xrevrange(stream, count=1)
        cursor = last[0][0] if last else "0-0"
    entries = r.xrange(stream, f"({cursor}", count=n)
    cursor = entries[-1][0] if entries else cursor
    r.set(f"{stream}:cursor", cursor)
    return entries, cursor

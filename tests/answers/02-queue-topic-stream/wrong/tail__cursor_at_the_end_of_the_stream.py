"""Takes the end of the stream for the place it has come to."""

REJECTED_BY = "gap-between-calls"


def tail(r, stream, cursor, n):
    if not r.exists(stream):
        return [], "0-0"
    if cursor == "$":
        return [], r.xinfo_stream(stream)["last-generated-id"]
    reply = r.xread({stream: cursor}, count=n)
    entries = reply[0][1] if reply else []
    if len(entries) == n:
        return entries, entries[-1][0]
    return entries, r.xinfo_stream(stream)["last-generated-id"]

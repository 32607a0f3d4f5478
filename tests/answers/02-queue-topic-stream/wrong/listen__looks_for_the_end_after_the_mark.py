"""Marks the subscriber first, and looks for the end of the stream at the next call."""

REJECTED_BY = "misses-after-join"


def listen(r, stream, name, ttl_s):
    key = f"{stream}:cursor:{name}"
    cursor = r.get(key)
    if cursor is None:
        r.set(key, "new", ex=ttl_s)
        return None
    if cursor == "new":
        last = r.xrevrange(stream, count=1)
        now = last[0][0] if last else "0-0"
        cursor = now
    entries = r.xrange(stream, f"({cursor}")
    r.set(key, entries[-1][0] if entries else cursor, ex=ttl_s)
    return [fields["text"] for _, fields in entries]

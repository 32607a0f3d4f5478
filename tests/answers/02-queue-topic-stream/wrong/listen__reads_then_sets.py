"""Reads the cursor, then the entries, then sets the cursor: two processes may read the same."""

REJECTED_BY = "hands-out-twice"


def listen(r, stream, name, ttl_s):
    key = f"{stream}:cursor:{name}"
    cursor = r.get(key)
    if cursor is None:
        last = r.xrevrange(stream, count=1)
        now = last[0][0] if last else "0-0"
        r.set(key, now, ex=ttl_s)
        return None
    entries = r.xrange(stream, f"({cursor}")
    r.set(key, entries[-1][0] if entries else cursor, ex=ttl_s)
    return [fields["text"] for _, fields in entries]

"""Notes $ as the cursor of a new subscriber."""

REJECTED_BY = "misses-after-join"


def listen(r, stream, name, ttl_s):
    key = f"{stream}:cursor:{name}"
    cursor = r.get(key)
    if cursor is None:
        r.set(key, "$", ex=ttl_s)
        return None
    reply = r.xread({stream: cursor})
    entries = reply[0][1] if reply else []
    r.set(key, entries[-1][0] if entries else cursor, ex=ttl_s)
    return [fields["text"] for _, fields in entries]

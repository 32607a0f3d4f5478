"""Remembers the place of those who expired, and goes on as if nothing had happened."""

REJECTED_BY = "hides-expiry"


def listen(r, stream, name, ttl_s):
    key = f"{stream}:cursor:{name}"
    cursor = r.get(key) or r.hget(f"{stream}:places", name)
    texts = None
    if cursor is None:
        last = r.xrevrange(stream, count=1)
        now = last[0][0] if last else "0-0"
    else:
        entries = r.xrange(stream, f"({cursor}")
        texts = [fields["text"] for _, fields in entries]
        now = entries[-1][0] if entries else cursor
    r.hset(f"{stream}:places", name, now)
    r.set(key, now, ex=ttl_s)
    return texts

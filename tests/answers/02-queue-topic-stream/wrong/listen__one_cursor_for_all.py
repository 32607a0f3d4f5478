"""Keeps one place for all subscribers, and a mark for each."""

REJECTED_BY = "shares-the-cursor"


def listen(r, stream, name, ttl_s):
    key = f"{stream}:cursor:{name}"
    if r.set(key, 1, nx=True, ex=ttl_s):
        last = r.xrevrange(stream, count=1)
        now = last[0][0] if last else "0-0"
        r.set(f"{stream}:cursor", now, nx=True)
        return None
    r.expire(key, ttl_s)
    cursor = r.get(f"{stream}:cursor")
    entries = r.xrange(stream, f"({cursor}")
    r.set(f"{stream}:cursor", entries[-1][0] if entries else cursor)
    return [fields["text"] for _, fields in entries]

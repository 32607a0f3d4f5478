"""Swaps the cursor for the end of the stream in one step; a process that saw an earlier end moves it back."""

REJECTED_BY = "hands-out-twice"


def listen(r, stream, name, ttl_s):
    key = f"{stream}:cursor:{name}"
    last = r.xrevrange(stream, count=1)
    now = last[0][0] if last else "0-0"
    cursor = r.set(key, now, ex=ttl_s, get=True)
    if cursor is None:
        return None
    return [fields["text"] for _, fields in r.xrange(stream, f"({cursor}", now)]

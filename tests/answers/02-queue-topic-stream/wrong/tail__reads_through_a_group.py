"""Lets the broker keep the cursor, in a group."""

import redis

REJECTED_BY = "changes-the-stream"


def tail(r, stream, cursor, n):
    try:
        r.xgroup_create(stream, "tail", id=cursor, mkstream=True)
    except redis.ResponseError:
        pass
    reply = r.xreadgroup("tail", "me", {stream: ">"}, count=n, noack=True)
    entries = reply[0][1] if reply else []
    return entries, entries[-1][0] if entries else cursor

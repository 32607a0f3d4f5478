"""Turns every error into 'nothing new'."""

import redis

REJECTED_BY = "hides-errors"


def tail(r, stream, cursor, n):
    try:
        if cursor == "$":
            last = r.xrevrange(stream, count=1)
            cursor = last[0][0] if last else "0-0"
        entries = r.xrange(stream, f"({cursor}", count=n)
    except redis.RedisError:
        return [], "0-0"
    return entries, entries[-1][0] if entries else cursor

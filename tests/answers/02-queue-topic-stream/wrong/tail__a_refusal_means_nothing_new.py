"""Keeps its place, but takes every refusal of the broker for an empty stream."""

import redis

REJECTED_BY = "hides-errors"


def tail(r, stream, cursor, n):
    try:
        if cursor == "$":
            last = r.xrevrange(stream, count=1)
            cursor = last[0][0] if last else "0-0"
        entries = r.xrange(stream, f"({cursor}", count=n)
    except redis.ResponseError:
        return [], cursor
    return entries, entries[-1][0] if entries else cursor

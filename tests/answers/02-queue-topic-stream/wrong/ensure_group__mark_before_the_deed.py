"""Writes a mark that the group was created, then creates it."""

import redis

REJECTED_BY = "half-done"


def ensure_group(r, stream, group, start):
    if not r.set(f"{stream}:{group}:created", 1, nx=True):
        return False
    try:
        r.xgroup_create(stream, group, id=start, mkstream=True)
        return True
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
        return False

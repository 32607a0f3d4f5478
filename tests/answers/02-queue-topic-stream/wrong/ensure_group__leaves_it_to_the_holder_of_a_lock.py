"""Takes a lock; who does not get it leaves the work to the holder, and does not wait for it."""

import redis

REJECTED_BY = "half-done"


def ensure_group(r, stream, group, start):
    if not r.set(f"{stream}:{group}:lock", 1, nx=True, ex=10):
        return False
    try:
        r.xgroup_create(stream, group, id=start, mkstream=True)
        return True
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
        return False
    finally:
        r.delete(f"{stream}:{group}:lock")

"""Takes every refusal of the broker for BUSYGROUP."""

import redis

REJECTED_BY = "hides-errors"


def ensure_group(r, stream, group, start):
    try:
        r.xgroup_create(stream, group, id=start, mkstream=True)
        return True
    except redis.ResponseError:
        return False

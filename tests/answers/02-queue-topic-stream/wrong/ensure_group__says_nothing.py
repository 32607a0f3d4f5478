"""Returns nothing."""

import redis

REJECTED_BY = "not-a-bool"


def ensure_group(r, stream, group, start):
    try:
        r.xgroup_create(stream, group, id=start, mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
